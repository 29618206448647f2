"""Processes: services, relays and the external API, started, placed and ended."""
