"""What steps cost here, as ratios within one run."""
