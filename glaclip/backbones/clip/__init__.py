"""Real CLIP: open_clip's towers, keys of vision models, the baselines' last block."""
