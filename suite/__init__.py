"""What every part may import: errors, names, the catalogue, records that cross a border."""
