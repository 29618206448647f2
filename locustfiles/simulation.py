"""Two queries at once, their rows as tables, and a computation of up to a second: I/O and CPU work in one request."""

from functools import cache
from typing import Any

from locust import task

from locustfiles._user import ServiceUser
from services.contract import FIBONACCI_MAX

OPERATIONS = ("simulation",)


class Simulation(ServiceUser):
    """Simulates for users of the dataset, each at random."""

    @task
    def simulation(self) -> None:
        self.call("simulation", "GET", f"/simulation?user_id={self.any_user_id()}", expect=problem)


def problem(answer: dict[str, Any]) -> str:
    """What is wrong with an answer: its parts must fit each other."""
    total = sum(quantity or 0 for quantity in answer["orders"]["quantity"])
    if answer["total_quantity"] != total:
        return "wrong total_quantity in body"
    bought = {product for product in answer["orders"]["product_id"] if product is not None}
    if set(answer["products"]["id"]) != bought:
        return "wrong products in body"
    return "" if answer["fibonacci"] == fibonacci(min(total, FIBONACCI_MAX)) else "wrong fibonacci in body"


@cache
def fibonacci(n: int) -> int:
    """As in contract.py, but each number is computed once: the load is to cost little."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
