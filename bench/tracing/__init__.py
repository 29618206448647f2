"""The tracing of requests inside a service: a wrapper application, its events and the pools."""

PATH = "bench.tracing.application:app"
"""The application that a server imports instead of the service's own."""

APPLICATION, FILE = "TRACED_APPLICATION", "TRACE_FILE"
"""The variables with the service's own application and with the file for events."""
