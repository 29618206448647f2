"""The measurements of `make selfbench`, one in each module."""
