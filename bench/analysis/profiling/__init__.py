"""What a profiler saw of services: where their CPU time goes, and what memory costs. Pure."""
