"""A PostgreSQL that the user named and that runs on this machine: its processes, and the CPUs that they run on."""
