"""What stands in for cuDNN where there is no GPU: JAX's own reference of it, which unpacks the same vector."""

from jax.experimental import rnn

from rnn_jax.bptt import cudnn


def lstm(x, h0, s0, weights, lengths, sizes):
    """As cudnn.lstm."""
    D, H, layers, dropout, bidirectional = sizes
    each = rnn.unpack_lstm_weights(weights, D, H, layers, bidirectional)
    return rnn.lstm_ref(x, h0, s0, *each, lengths, D, H, layers, dropout, bidirectional)


def pretend(monkeypatch, dtype="float32"):
    """Have the reference answer as if there were a GPU, whose numbers may be of another precision than cuDNN's."""
    monkeypatch.setattr(cudnn, "lstm", lstm)
    monkeypatch.setattr(cudnn, "reachable", lambda: True)
    monkeypatch.setattr(cudnn, "DTYPE", dtype)
