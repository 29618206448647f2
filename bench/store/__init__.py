"""The folders and files of runs: written while a run measures, and read back later."""
