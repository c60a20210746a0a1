"""Photos, words and samples of training."""
