"""Many point reads in one request, one after the other on one connection: more driver work, less HTTP."""

from locust import task

from locustfiles._bodies import users_json
from locustfiles._user import ServiceUser
from services.contract import point_reads

OPERATIONS = ("read_many",)
PARAMETERS = {
    "count": {
        "type": "int",
        "default": 20,
        "low": 1,
        "high": 100,
        "help": "read_many: number of point reads in one request, 1 to 100",
    }
}


class ReadMany(ServiceUser):
    """Reads `--count` users at a time, each time different ones."""

    @task
    def read_many(self) -> None:
        count, seed = self.options.count, self.random.getrandbits(31)
        expect = users_json(point_reads.ids(count, seed, self.options.dataset_users))
        self.call("read_many", "GET", f"/point-reads?count={count}&seed={seed}", expect=expect)
