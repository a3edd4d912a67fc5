"""Filterscope: train a small convolutional network and show what it learned.

The folder listing is the map. Each folder's `__init__` says what it is for; each imports only from those
above it in this list (tests/test_dag.py):

base  config  data  network  training  analysis  pictures  page  runs  sweeps  cluster  stages  commands
"""
