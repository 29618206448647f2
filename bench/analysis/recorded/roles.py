"""What a process is in a run: its role."""

SERVICE, DATABASE, RELAY, EXTERNAL, LOAD, HARNESS, IDLE, TARGET = (
    "service", "database", "relay", "external API", "load", "harness", "others", "target",
)  # fmt: skip
"""Roles: the measured service, what it uses, what measures it, the services that wait for their turn, and targets."""
STRANGERS = "strangers"
"""All other processes, except the kernel's own threads: they have no role."""
