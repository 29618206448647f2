"""One request seen from inside a service and on the wire to PostgreSQL."""

PATH = "bench.tracing.application:app"
"""What a server imports in place of a service's own application."""

APPLICATION, FILE = "TRACED_APPLICATION", "TRACE_FILE"
"""The variables that say which application that is, and where its events go."""
