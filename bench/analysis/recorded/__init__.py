"""What was recorded of one measurement, and what that says of its window."""
