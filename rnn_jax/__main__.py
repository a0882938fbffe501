"""`python -m rnn_jax` is `rnn-jax`."""

from rnn_jax.cli import main

main()
