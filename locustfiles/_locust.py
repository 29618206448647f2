"""Locust for a scenario from outside the tree: `python -m locustfiles._locust` in place of `python -m locust`.

Locust puts the folder of a scenario first on Python's path. A folder of `services` or a module `db` may be there, too.
So the suite's own packages are imported before.
"""

from locust.main import main

import db
import services
import suite

SUITE_OWN = (db, services, suite)

if __name__ == "__main__":
    main()
