"""The parts that are trained, and what training asks of them."""
