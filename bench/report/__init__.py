"""What a reader is shown: in the terminal, on the page, in CSVs and in Markdown."""
