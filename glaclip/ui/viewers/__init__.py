"""The widgets that scripts of this project draw: value, script, style and markup side by side."""
