"""Training: the recipe, the loop, the state that survives a kill."""
