"""The performance of the suite itself, as ratios measured side by side: `make selfbench`, `bench calibrate`."""
