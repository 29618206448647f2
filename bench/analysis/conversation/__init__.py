"""What a service and PostgreSQL said to each other."""
