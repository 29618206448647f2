"""Measures cells that take turns: all services are up and loaded, and one of them runs at a time."""
