"""Mutants of right programs, and what is found in them: the parts of benchmarks/mutants.py."""
