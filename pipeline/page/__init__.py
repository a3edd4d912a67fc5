"""The offline page: what goes into it, a NumPy twin of the network, and the one file made of both."""
