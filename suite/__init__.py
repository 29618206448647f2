"""Shared code that every package may import: errors, the catalogue of services and scenarios, records."""
