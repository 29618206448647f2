"""The CPU work of `GET /simulation`."""

FIBONACCI_MAX = 35


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number by plain recursion: what is wanted is the CPU time that it takes."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
