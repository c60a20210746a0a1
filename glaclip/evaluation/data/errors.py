"""What is raised for a set that cannot be read."""


class DatasetError(ValueError):
    """A set that cannot be read; the message says what was looked for."""
