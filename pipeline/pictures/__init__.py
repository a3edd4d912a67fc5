"""Pictures: arrays in, Matplotlib figures out. Matplotlib is imported here alone."""
