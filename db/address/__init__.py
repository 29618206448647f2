"""Which database: an address in all its forms, with what completes it."""
