"""The checks that every service and target must pass before it is measured."""
