"""What a process is in a run: its role."""

SERVICE, DATABASE, RELAY, EXTERNAL, LOAD, HARNESS, IDLE, TARGET = (
    "service", "database", "relay", "external API", "load", "harness", "others", "target",
)  # fmt: skip
"""Roles: the measured service, what it uses, what measures it, the services that wait for their turn, and targets.

A target that the suite started has the role of a service. TARGET is one that runs already, as it is seen on its port.
"""
STRANGERS = "strangers"
"""All other processes, except the kernel's own threads: they have no role."""
