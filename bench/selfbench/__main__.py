"""`python -m bench.selfbench`: the parts in turn."""

import sys

from bench.selfbench import agreement

SERVICES = ("psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async")


def main() -> None:
    """Run the comparison with wrk on the services named, or on all that have a database."""
    agreement.measure(sys.argv[1:] or SERVICES, lambda line: print(line, flush=True))


main()
