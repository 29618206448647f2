"""The suite's own performance, as ratios measured side by side: `make selfbench`. Figures in docs/performance.md."""
