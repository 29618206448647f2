"""The private PostgreSQL of a checkout: its programs, its folder, its process."""
