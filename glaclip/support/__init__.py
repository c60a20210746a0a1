"""What every room may use: caches, whole files, interruption, the processor, memory."""
