# volume rendering of coloured gaussian blobs, front to back along each ray (emission-absorption)
import numpy as np

BACKGROUND = np.array([0.1, 0.1, 0.2])


class Scene:
    def __init__(self, blobs, seed):
        rng = np.random.RandomState(seed)
        self.center = rng.uniform(-1, 1, (blobs, 3))
        self.log_width = -0.3 + 0.2 * rng.randn(blobs)
        self.log_density = 0.5 * rng.randn(blobs)
        self.paint = rng.randn(blobs, 3)

    def field(self, pos):
        """density (rays,), colour (rays, 3) at pos (rays, 3) and what the adjoint needs"""
        diff = pos[:, None, :] - self.center[None]
        inv2 = np.exp(-2 * self.log_width)
        dist2 = (diff ** 2).sum(-1)
        part = np.exp(self.log_density) * np.exp(-0.5 * dist2 * inv2)  # rays x blobs
        rgb = 1 / (1 + np.exp(-self.paint))
        sigma = part.sum(1)
        glow = part @ rgb
        return sigma, glow / sigma[:, None], (diff, inv2, dist2, part, rgb)

    def field_adjoint(self, d_sigma, d_color, sigma, color, memo, g):
        diff, inv2, dist2, part, rgb = memo
        d_glow = d_color / sigma[:, None]
        d_sigma = d_sigma - (d_glow * color).sum(1)
        d_part = d_sigma[:, None] + d_glow @ rgb.T
        g["paint"] += (part.T @ d_glow) * rgb * (1 - rgb)
        d_log = d_part * part
        g["log_density"] += d_log.sum(0)
        g["log_width"] += (d_log * dist2).sum(0) * inv2
        g["center"] += (d_log[:, :, None] * diff).sum(0) * inv2[:, None]

    def march(self, origin, direction, depths):
        light = np.ones(len(origin))
        image = np.zeros((len(origin), 3))
        stack = []
        for near, far in zip(depths[:-1], depths[1:]):
            step = far - near
            sigma, color, memo = self.field(origin + 0.5 * (near + far) * direction)
            passed = np.exp(-sigma * step)
            image = image + (light * (1 - passed))[:, None] * color
            stack.append((step, sigma, color, memo, passed, light))
            light = light * passed
        return image + light[:, None] * BACKGROUND, light, stack

    def loss(self, origin, direction, depths, photo):
        image, light, _ = self.march(origin, direction, depths)
        # the second term wants rays to be either free or blocked
        return np.mean((image - photo) ** 2) + 0.1 * np.mean(light * (1 - light))

    def grad(self, origin, direction, depths, photo):
        image, light, stack = self.march(origin, direction, depths)
        g = {name: np.zeros_like(value) for name, value in vars(self).items()}
        d_image = 2 * (image - photo) / image.size
        d_light = d_image @ BACKGROUND + 0.1 * (1 - 2 * light) / len(light)
        while stack:
            step, sigma, color, memo, passed, before = stack.pop()
            seen = (d_image * color).sum(1)
            d_passed = d_light * before - seen * before
            d_color = (before * (1 - passed))[:, None] * d_image
            d_light = d_light * passed + seen * (1 - passed)
            self.field_adjoint(-d_passed * passed * step, d_color, sigma, color, memo, g)
        return g


def camera(rays, seed):
    rng = np.random.RandomState(seed)
    origin = np.column_stack([rng.uniform(-0.6, 0.6, (rays, 2)), np.full(rays, -2.0)])
    direction = np.column_stack([0.15 * rng.randn(rays, 2), np.ones(rays)])
    return origin, direction, rng.uniform(0, 1, (rays, 3))


scene = Scene(3, seed=1261)
origin, direction, photo = camera(5, seed=1262)
depths = np.array([0.6, 1.2, 1.7, 2.2, 2.8, 3.5])
