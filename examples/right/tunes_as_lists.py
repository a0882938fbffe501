"""Three nursery tunes as lists of scale degrees; predict the next note. Sequences differ in length, no padding."""
from numpy import add, array, clip, dot, exp, log, outer, tanh, zeros, zeros_like
from numpy.random import RandomState

NOTES = 6        # degrees 0..5 of the scale
HID = 5

tunes = [
    [0, 0, 4, 4, 5, 5, 4],                     # twinkle twinkle little star
    [2, 1, 0, 1, 2, 2, 2],                     # mary had a little lamb
    [0, 1, 2, 0, 0, 1, 2, 0, 2, 3, 4],         # are you sleeping
]

r = RandomState(31)
embed = r.uniform(-1, 1, (NOTES, HID))
rec = r.uniform(-0.6, 0.6, (HID, HID))
hbias = r.uniform(-0.1, 0.1, (HID,))
read = r.uniform(-1, 1, (HID, NOTES))
rbias = zeros((NOTES,))


def play(tune):
    """lists of states and of note probabilities; states[0] is silence"""
    states, probs = [zeros((HID,))], []
    for note in tune[:-1]:
        states.append(tanh(embed[note] + dot(states[-1], rec) + hbias))
        e = exp(dot(states[-1], read) + rbias)
        probs.append(e / e.sum())
    return states, probs


def bits_lost(tunes):
    total = 0.0
    for tune in tunes:
        _, probs = play(tune)
        for p, nxt in zip(probs, tune[1:]):
            total = total - log(p[nxt])
    return total / log(2.0)


def bits_lost_grad(tunes):
    g_embed, g_rec, g_hbias = zeros_like(embed), zeros_like(rec), zeros_like(hbias)
    g_read, g_rbias = zeros_like(read), zeros_like(rbias)
    for tune in tunes:
        states, probs = play(tune)
        back = zeros((HID,))
        notes, deltas = [], []
        for t in range(len(probs) - 1, -1, -1):
            d = array(probs[t])
            d[tune[t + 1]] -= 1.0
            d = d / log(2.0)
            g_read = g_read + outer(states[t + 1], d)
            g_rbias = g_rbias + d
            a = (dot(read, d) + back) * (1.0 - states[t + 1] * states[t + 1])
            g_rec = g_rec + outer(states[t], a)
            g_hbias = g_hbias + a
            notes.append(tune[t])
            deltas.append(a)
            back = dot(rec, a)
        add.at(g_embed, notes, array(deltas))      # a note may be played more than once
    return g_embed, g_rec, g_hbias, g_read, g_rbias


if __name__ == "__main__":
    for epoch in range(401):
        if epoch % 100 == 0:
            print(epoch, bits_lost(tunes))
        for w, g in zip((embed, rec, hbias, read, rbias), bits_lost_grad(tunes)):
            w -= 0.02 * clip(g, -3, 3)
