"""Chooses the users that `GET /point-reads` reads."""


def ids(count: int, seed: int, dataset_users: int) -> list[int]:
    """The user ids of one request, in order: each in 1..dataset_users.

    A linear congruential generator (Knuth's MMIX constants, TAOCP vol. 2, 3.3.4) of which the upper 32 bits are used.
    """
    chosen, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        chosen.append((state >> 32) % dataset_users + 1)
    return chosen
