"""Sweeps: their jobs, what Hydra calls around them, the cluster, the result."""
