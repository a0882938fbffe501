"""Two recurrent layers on top of each other, everything as columns (features x batch).
The lower layer is logistic, the upper one is rectified."""
import numpy as np

def logistic(a):
    return 1/(1 + np.exp(-a))

class TwoStoreys(object):

    def __init__(self, D, H1, H2, K, rng):
        self.Wx1 = rng.uniform(-1, 1, (H1, D))
        self.Wh1 = rng.uniform(-1, 1, (H1, H1))
        self.bh1 = rng.uniform(-.3, .3, (H1, 1))
        self.Wx2 = rng.uniform(-1, 1, (H2, H1))
        self.Wh2 = rng.uniform(-.7, .7, (H2, H2))
        self.bh2 = rng.uniform(.1, .6, (H2, 1))
        self.Wy = rng.uniform(-1, 1, (K, H2))
        self.by = rng.uniform(-.3, .3, (K, 1))

    def run(self, X):
        T, B = len(X), X.shape[2]
        h1, h2, z2, Y = {}, {}, {}, {}
        h1[-1] = np.zeros((self.Wh1.shape[0], B))
        h2[-1] = np.zeros((self.Wh2.shape[0], B))
        for t in range(T):
            h1[t] = logistic(self.Wx1.dot(X[t]) + self.Wh1.dot(h1[t-1]) + self.bh1)
            z2[t] = self.Wx2.dot(h1[t]) + self.Wh2.dot(h2[t-1]) + self.bh2
            h2[t] = np.maximum(0, z2[t])
            Y[t] = self.Wy.dot(h2[t]) + self.by
        return h1, h2, z2, Y

    def cost(self, X, D):
        Y = self.run(X)[-1]
        total = 0
        for t in range(len(X)):
            total = total + ((Y[t] - D[t])**2).sum()
        return total/(2*X.shape[2])

    def cost_grad(self, X, D):
        h1, h2, z2, Y = self.run(X)
        B = X.shape[2]
        gWx1, gWh1, gbh1 = 0*self.Wx1, 0*self.Wh1, 0*self.bh1
        gWx2, gWh2, gbh2 = 0*self.Wx2, 0*self.Wh2, 0*self.bh2
        gWy, gby = 0*self.Wy, 0*self.by
        from_right1 = np.zeros_like(h1[-1])
        from_right2 = np.zeros_like(h2[-1])
        for t in range(len(X)-1, -1, -1):
            dy = (Y[t] - D[t])/B
            gWy += dy.dot(h2[t].T)
            gby += dy.sum(1, keepdims=True)
            # upper storey
            d2 = self.Wy.T.dot(dy) + from_right2
            d2 = d2*(z2[t] > 0)
            gWx2 += d2.dot(h1[t].T)
            gWh2 += d2.dot(h2[t-1].T)
            gbh2 += d2.sum(1, keepdims=True)
            from_right2 = self.Wh2.T.dot(d2)
            # lower storey
            d1 = self.Wx2.T.dot(d2) + from_right1
            d1 = d1*h1[t]*(1 - h1[t])
            gWx1 += d1.dot(X[t].T)
            gWh1 += d1.dot(h1[t-1].T)
            gbh1 += d1.sum(1, keepdims=True)
            from_right1 = self.Wh1.T.dot(d1)
        return gWx1, gWh1, gbh1, gWx2, gWh2, gbh2, gWy, gby

rng = np.random.RandomState(11)
house = TwoStoreys(3, 4, 5, 2, rng)
X = rng.randn(6, 3, 2)
D = rng.randn(6, 2, 2)
