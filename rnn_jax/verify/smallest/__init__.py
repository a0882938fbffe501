"""The smallest case in which a gradient is wrong, and a test made of it."""
