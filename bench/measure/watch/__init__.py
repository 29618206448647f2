"""The observers of a measurement: they read processes, CPUs, gauges, PostgreSQL and pings."""
