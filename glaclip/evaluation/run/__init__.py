"""Scoring a set: in this process, in several, and going on after a stop."""
