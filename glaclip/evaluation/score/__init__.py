"""Counts and measures with ground truth."""
