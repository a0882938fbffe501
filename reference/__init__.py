"""Hand-derived gradients of recurrent networks: NumPy and the standard library only.

One file holds one derivation, forward and backward side by side. Symbols, shapes and the labels
that the comments quote (R1, L4, ...) are those of NOTATION.md.
"""

from reference.checks import InputError

__all__ = ["InputError"]
