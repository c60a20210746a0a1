"""Whether weights are the right ones: their files, their numbers, and what they see in photos."""
