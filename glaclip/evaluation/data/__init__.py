"""Evaluation sets on disk, their layouts and the words for their classes."""
