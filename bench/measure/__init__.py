"""The run: services are started, verified, loaded and observed, cell by cell."""
