"""Renderings of a report, each from `report.py` alone."""
