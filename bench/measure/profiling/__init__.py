"""Looks into running services: a sampling profiler beside the load, and memory."""
