"""Numbers from trained networks and their runs."""
