"""Unmodified NumPy code, recorded as a tape that JAX can differentiate."""
