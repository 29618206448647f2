"""The page of a run, the index of all runs, the comparison of two."""
