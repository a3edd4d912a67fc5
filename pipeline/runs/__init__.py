"""A run of whatever revision: finding it, reading it, what changed, in tables and pictures."""
