"""What every service must pass before it is measured."""
