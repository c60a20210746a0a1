"""Scores as documents, tables and files."""
