"""What happens: services started, verified, loaded and watched, cell by cell."""
