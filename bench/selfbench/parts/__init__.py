"""The measurements of `make selfbench`, one a module."""
