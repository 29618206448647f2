"""The dataset: its rows, how they are loaded, marked, checked and restored."""
