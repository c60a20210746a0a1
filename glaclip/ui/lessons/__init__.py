"""Short lessons with live figures; every number is measured with the shipped model."""
