"""The CPU work of `GET /simulation`."""

FIBONACCI_MAX = 35


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number by plain recursion, because it must take CPU time."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
