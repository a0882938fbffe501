"""Ways to damage a right gradient, one for each kind of mistake; see diagnose.py."""
