"""Cells that took turns: which of their slices count, and what those amount to."""
