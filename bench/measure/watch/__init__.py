"""What is read while a cell is measured."""
