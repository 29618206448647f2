"""The processes of a run: services, relays and the external API are started, placed on CPUs and ended."""
