"""Where images come from, what they must be, and the prepared folder."""
