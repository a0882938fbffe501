# One matrix M = [W U b] for the hidden layer and one, R = [V c], for the readout:
# a step is tanh(M @ [h; x; 1]), so there is one product forward and one outer product back.
import numpy as np

H, D, K = 5, 3, 2
np.random.seed(17)
M = np.random.randn(H, H + D + 1) * 0.5
R = np.random.randn(K, H + 1) * 0.5

T = 7
x_seq = np.random.randn(D, T)
y_seq = np.random.randn(K, T)
h_init = np.random.randn(H) * 0.3


def run(x_seq):
    T = x_seq.shape[1]
    stacked = np.ones((H + D + 1, T))       # the last row stays one: it meets the bias
    top = np.ones((H + 1, T))
    h = h_init
    for t in range(T):
        stacked[:H, t] = h
        stacked[H:-1, t] = x_seq[:, t]
        h = np.tanh(M.dot(stacked[:, t]))
        top[:H, t] = h
    return stacked, top, R.dot(top)


def huber(err, knee=1.0):
    """quadratic near zero, linear outside"""
    size = np.abs(err)
    return np.where(size < knee, 0.5 * err ** 2, knee * (size - 0.5 * knee))


def cost(x_seq, y_seq):
    return huber(run(x_seq)[2] - y_seq).sum()


def cost_grad(x_seq, y_seq):
    stacked, top, out = run(x_seq)
    T = x_seq.shape[1]
    dout = np.clip(out - y_seq, -1.0, 1.0)  # the derivative of the Huber loss
    gR = dout.dot(top.T)
    dtop = R[:, :H].T.dot(dout)
    dpre = np.zeros((H, T))
    later = np.zeros(H)
    for t in range(T - 1, -1, -1):
        dpre[:, t] = (dtop[:, t] + later) * (1 - top[:H, t] ** 2)
        later = M[:, :H].T.dot(dpre[:, t])
    gM = dpre.dot(stacked.T)                # all time steps in one product
    return gM, gR


if __name__ == "__main__":
    for it in range(500):
        gM, gR = cost_grad(x_seq, y_seq)
        M -= 0.01 * gM
        R -= 0.01 * gR
        if it % 100 == 0:
            print(it, cost(x_seq, y_seq))
