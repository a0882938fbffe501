"""A small recurrent controller drives unicycle robots to the origin around posts.

The robots are simulated, so the cost is differentiated through controller and motion together. Robots in columns.
"""
import numpy as np

DT = 0.4
WIDTH = 0.8   # of a post
PRICE = 0.05  # of the controls


class Controller:
    def __init__(self, units, seed):
        rng = np.random.default_rng(seed)
        self.theta = [
            rng.normal(size=(units, 4)) * 0.5,      # from x, y, cos, sin
            rng.normal(size=(units, units)) * 0.5,
            rng.normal(size=(units, 1)) * 0.2,
            rng.normal(size=(2, units)) * 0.7,      # to speed and turn
            np.array([[0.3], [0.0]]),
        ]

    def act(self, pose, memory):
        A, R, b, C, d = self.theta
        seen = np.vstack([pose[:2], np.cos(pose[2]), np.sin(pose[2])])
        memory = np.tanh(A @ seen + R @ memory + b)
        return seen, memory, np.tanh(C @ memory + d)

    def drive(self, start, T):
        pose, memory = start, np.zeros((len(self.theta[2]), start.shape[1]))
        diary = []
        for _ in range(T):
            seen, new_memory, control = self.act(pose, memory)
            diary.append(dict(pose=pose, seen=seen, old=memory, memory=new_memory, control=control))
            v, w = control
            pose = pose + DT * np.array([v * np.cos(pose[2]), v * np.sin(pose[2]), w])
            memory = new_memory
        return diary, pose

    def cost(self, start, posts, T):
        diary, end = self.drive(start, T)
        J = np.sum(end[:2] ** 2)
        for day in diary:
            J += PRICE * np.sum(day["control"] ** 2)
        for pose in [day["pose"] for day in diary[1:]] + [end]:
            J += np.sum(bump(pose, posts)[0])
        return J / start.shape[1]

    def cost_gradient(self, start, posts, T):
        A, R, b, C, d = self.theta
        grad = [np.zeros_like(w) for w in self.theta]
        robots = start.shape[1]
        diary, end = self.drive(start, T)
        dpose = np.zeros_like(end)
        dpose[:2] = 2 * end[:2] / robots
        dpose += bump(end, posts)[1] / robots
        dmemory = np.zeros_like(diary[0]["memory"])
        while diary:
            day = diary.pop()
            pose, memory = day["pose"], day["memory"]
            v, w = day["control"]
            cos, sin = day["seen"][2:]
            dv = DT * (dpose[0] * cos + dpose[1] * sin)
            dw = DT * dpose[2]
            before = dpose.copy()
            before[2] += DT * v * (dpose[1] * cos - dpose[0] * sin)

            dcontrol = np.array([dv, dw]) + 2 * PRICE * day["control"] / robots
            da = dcontrol * (1 - day["control"] ** 2)
            grad[3] += da @ memory.T
            grad[4] += da.sum(axis=1, keepdims=True)
            dz = (dmemory + C.T @ da) * (1 - memory ** 2)
            grad[0] += dz @ day["seen"].T
            grad[1] += dz @ day["old"].T
            grad[2] += dz.sum(axis=1, keepdims=True)
            dmemory = R.T @ dz
            dseen = A.T @ dz
            before[:2] += dseen[:2]
            before[2] += dseen[3] * cos - dseen[2] * sin
            if diary:  # the start is no place to be blamed for
                before += bump(pose, posts)[1] / robots
            dpose = before
        return grad


def bump(pose, posts):
    """how much each robot is in the way of each post, (posts, robots), and the slope of the sum by pose"""
    gap = pose[None, :2] - posts[:, :, None]
    height = np.exp(-0.5 * np.sum(gap ** 2, axis=1) / WIDTH ** 2)
    slope = np.zeros_like(pose)
    slope[:2] = -np.sum(gap * height[:, None], axis=0) / WIDTH ** 2
    return height, slope


def yard(robots, posts, seed):
    rng = np.random.default_rng(seed)
    start = np.vstack([rng.normal(0, 1.2, (2, robots)), rng.uniform(-np.pi, np.pi, (1, robots))])
    return start, rng.normal(0, 0.8, (posts, 2))


pilot = Controller(5, seed=431)
start, posts = yard(6, 3, seed=432)
