"""The tracing of requests inside a service: a wrapper application, its events and the pools."""

PATH = "bench.tracing.application:app"
"""The application that a server imports instead of the service's own."""

APPLICATION, POOL, FILE = "TRACED_APPLICATION", "TRACED_POOL", "TRACE_FILE"
"""The variables with the service's own application, its pool and its two methods, and the file for events."""
