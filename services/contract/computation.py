"""The CPU work of `GET /simulation`."""

FIBONACCI_MAX = 35


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number, by as many additions as plain recursion makes, because it must take CPU time.

    It has a stack of its own. On CPython 3.11 to early 3.13, a recursion takes up to 46 times as long at some depths of
    the interpreter's stack (gh-142183), and a thread and an event loop call this at different depths.
    """
    total, waiting = 0, [n]
    while waiting:
        left = waiting.pop()
        while left > 1:
            waiting.append(left - 2)
            left -= 1
        total += left
    return total
