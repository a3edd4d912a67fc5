"""The offline page: what goes into it, and the one file made of that."""
