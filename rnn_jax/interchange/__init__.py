"""Weights to and from PyTorch, Keras and Flax: `rnn-jax export` and `rnn-jax import`, in plain safetensors files."""
