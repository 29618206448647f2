"""The question: a plan, its cells, their order, what an operation should cost."""
