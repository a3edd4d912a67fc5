"""Sweeps: the plan, its checks, jobs in clones, the table on the screen, the answer."""
