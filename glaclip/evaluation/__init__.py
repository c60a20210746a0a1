"""Measures, data sets, scores, and what runs cost."""
