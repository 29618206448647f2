"""What is kept: the folders and files of runs, and runs read back from them."""
