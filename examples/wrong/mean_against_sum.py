"""Byte-level RNN over a batch of short strings. All the time steps are stacked for the output layer."""
import numpy as np

lines = ["recurrent", "gradients", "vanishing"]
alphabet = sorted(set("".join(lines)))
codes = np.array([[alphabet.index(ch) for ch in line] for line in lines]).T   # (time, batch)
inp, out = codes[:-1], codes[1:]

T, B = inp.shape
K = len(alphabet)
H = 7

rng = np.random.RandomState(2)
emb = rng.randn(K, H) * 0.5
rec = rng.randn(H, H) * 0.4
dec = rng.randn(H, K) * 0.5
dec_bias = rng.randn(K) * 0.1


def forward(inp, out):
    hs = np.zeros((T + 1, B, H))
    for t in range(T):
        hs[t + 1] = np.tanh(emb[inp[t]] + hs[t] @ rec)
    flat = hs[1:].reshape(T * B, H)
    logits = flat @ dec + dec_bias
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -np.mean(logp[np.arange(T * B), out.ravel()])
    return loss, hs, logp


def backward(inp, out):
    _, hs, logp = forward(inp, out)
    dlogits = np.exp(logp)
    dlogits[np.arange(T * B), out.ravel()] -= 1.0

    ddec = hs[1:].reshape(T * B, H).T @ dlogits
    ddec_bias = dlogits.sum(axis=0)
    dhs = (dlogits @ dec.T).reshape(T, B, H)

    demb, drec = np.zeros_like(emb), np.zeros_like(rec)
    carry = np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        da = (dhs[t] + carry) * (1.0 - hs[t + 1] ** 2)
        np.add.at(demb, inp[t], da)
        drec += hs[t].T @ da
        carry = da @ rec.T
    return dict(emb=demb, rec=drec, dec=ddec, dec_bias=ddec_bias)


if __name__ == "__main__":
    for i in range(200):
        g = backward(inp, out)
        emb -= 0.01 * g["emb"]
        rec -= 0.01 * g["rec"]
        dec -= 0.01 * g["dec"]
        dec_bias -= 0.01 * g["dec_bias"]
    print("mean negative log-likelihood", forward(inp, out)[0])
