"""Filterscope: train a small convolutional network and show what it learned.

Each folder's `__init__` says what it is for; each imports only from those
before it in this list (tests/test_dag.py):

base  config  data  network  training  analysis  pictures  page  runs  sweeps  stages  commands
"""
