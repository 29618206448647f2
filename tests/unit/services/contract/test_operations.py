"""What the table of operations says beside its own numbers."""

from db.data import dataset
from services.contract.operations import ORDERS_PER_USER


def test_the_orders_of_a_user_are_those_of_the_dataset() -> None:
    """At the smallest scale and the largest: costs of relations that are loaded lazily follow from it."""
    for scale in (dataset.SMALLEST_SCALE, dataset.LARGEST_SCALE):
        size = dataset.size(scale)
        assert size.orders == ORDERS_PER_USER * size.users
