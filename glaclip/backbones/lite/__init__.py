"""The embedded default: a small dual encoder that needs no weights from a hub."""
