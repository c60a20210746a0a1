"""Backbones: what turns pixels and words into tokens."""
