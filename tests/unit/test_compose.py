import os
import re
import shlex
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml

from bench.measure.fleet.serving import command, external_command
from bench.plan.matrix import default_setup
from db.data import dataset
from db.private.cluster import locate
from db.settings import SETTINGS
from services.settings import Settings
from suite import catalogue
from suite.catalogue import CHECKOUT, EXTERNAL
from suite.service import Service

ONE_SHOT = "service_completed_successfully"
HEALTHY = "service_healthy"
LOAD = ["locust", "locust-master", "locust-worker"]
every_service = pytest.mark.parametrize("service", catalogue.services().values(), ids=lambda service: service.name)


def text(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    """docker-compose.yaml, with the defaults of its variables."""
    defaulted = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text("docker-compose.yaml"))
    read: dict[str, Any] = yaml.safe_load(defaulted)
    return read


def stanza_to_add(service: Service) -> str:
    profile = "\n    profiles: [warnings]" if service.warning else ""
    waits = (
        ""
        if service.warning
        else f"""
and below depends_on in x-load:

      {service.name}: {{ condition: {HEALTHY} }}
"""
    )
    return f"""docker-compose.yaml lacks {service.name}, or has it otherwise. Its stanza:

  {service.name}:
    <<: *service{profile}
    command: python -m gunicorn {service.application} --bind 0.0.0.0:{service.port}
    healthcheck: {{ <<: *healthcheck, test: [CMD, python, -c, *ask, "http://127.0.0.1:{service.port}/health"] }}
    ports: ["127.0.0.1:{service.port}:{service.port}"]
{waits}"""


def _waits_for(wanted: str, name: str) -> bool:
    """Whether a service starts after another one, directly or not."""
    before = compose()["services"][name].get("depends_on", {})
    return wanted in before or any(_waits_for(wanted, other) for other in before)


def grouped(words: list[str]) -> list[list[str]]:
    """Command-line words, each option with its values, sorted: their order says nothing."""
    groups: list[list[str]] = [[]]
    for word in words:
        if word.startswith("--"):
            groups.append([])
        groups[-1].append(word)
    return sorted(groups)


@every_service
def test_every_service_has_its_stanza(service: Service) -> None:
    """Its application, port and health check are those of service.toml; Locust waits for it, unless it is a warning."""
    stanza = compose()["services"].get(service.name, {})
    found = {
        "application": shlex.split(stanza.get("command", ""))[3:4],
        "ports": stanza.get("ports"),
        "health": stanza.get("healthcheck", {}).get("test", [])[-1:],
        "load waits for": compose()["x-load"]["depends_on"].get(service.name),
    }
    assert found == {
        "application": [service.application],
        "ports": [f"127.0.0.1:{service.port}:{service.port}"],
        "health": [f"http://127.0.0.1:{service.port}/health"],
        "load waits for": None if service.warning else {"condition": HEALTHY},
    }, stanza_to_add(service)


def test_nothing_is_left_of_a_service_that_is_gone() -> None:
    """What Compose serves and the load waits for are the catalogue's services, and no other."""
    served = {name for name, stanza in compose()["services"].items() if "gunicorn" in stanza.get("command", "")}
    assert served == set(catalogue.services())
    assert set(compose()["x-load"]["depends_on"]) == {*catalogue.usual(), "results_folder"}


@every_service
def test_a_service_is_started_as_the_harness_starts_it(service: Service) -> None:
    """Gunicorn's options are bench's own, but for the address, and they come with the default plan's settings."""
    stanza, setup = compose()["services"][service.name], default_setup(service.name)
    environment = {name: str(value) for name, value in stanza["environment"].items()}
    program, *words = shlex.split(stanza["command"]) + shlex.split(environment["GUNICORN_CMD_ARGS"])
    _, *expected = (word.replace("127.0.0.1", "0.0.0.0") for word in command(setup, service.application, service.port))  # noqa: S104  # in its container
    assert (program, grouped(words)) == ("python", grouped(expected))
    assert Settings.from_environment(environment) == Settings(
        database_url="postgresql://bench@db:5432/bench",
        connect_timeout_s=60,
        pool_size=setup.pool_size,
        pool_overflow=setup.pool_overflow,
        pool_timeout_s=setup.pool_timeout_s,
        threads=setup.threads,
        profile=setup.profile,
        gc=setup.gc,
        pooler=setup.pooler,
        dataset_users=10_000,
        nonce="",
        external_api_url="http://external_api:8020",
    )


@every_service
def test_a_service_starts_when_the_dataset_is_there(service: Service) -> None:
    """The database is healthy, the loader has ended without an error, and the external API answers."""
    assert compose()["services"][service.name]["depends_on"] == {
        "db": {"condition": HEALTHY},
        "loader": {"condition": ONE_SHOT},
        EXTERNAL: {"condition": HEALTHY},
    }


def test_the_external_api_is_started_as_the_harness_starts_it() -> None:
    """Uvicorn's options are bench's own, but for the address; it takes as long as the default plan's, and no limit."""
    stanza, external = compose()["services"][EXTERNAL], catalogue.external()
    program, *words = shlex.split(stanza["command"])
    _, *expected = (word.replace("127.0.0.1", "0.0.0.0") for word in external_command())  # noqa: S104  # in its container
    assert (program, grouped(words)) == ("python", grouped(expected))
    assert float(stanza["environment"]["EXTERNAL_API_DELAY_S"]) == default_setup("asyncpg_async").external_delay_s
    assert stanza["healthcheck"]["test"][-1] == f"http://127.0.0.1:{external.port}/health"
    assert stanza["ports"] == [f"127.0.0.1:{external.port}:{external.port}"]
    assert stanza["depends_on"] == {"results_folder": {"condition": ONE_SHOT}}
    assert stanza["ulimits"] == compose()["services"]["asyncpg_async"]["ulimits"]


@every_service
def test_a_service_has_one_cpu(service: Service) -> None:
    """The same limit for each, so that none has more than another."""
    assert compose()["services"][service.name]["deploy"] == {"resources": {"limits": {"cpus": "1"}}}


def test_only_services_have_a_cpu_limit() -> None:
    """Neither the database nor Locust is held back."""
    limited = {name for name, stanza in compose()["services"].items() if "deploy" in stanza}
    assert limited == set(catalogue.services())


def test_the_database_has_the_settings_of_the_private_one() -> None:
    """Each of db/settings.py is given by -c, and no other is."""
    program, *words = shlex.split(compose()["services"]["db"]["command"])
    assert (program, set(words[::2])) == ("postgres", {"-c"})
    assert dict(word.split("=", 1) for word in words[1::2]) == dict(SETTINGS)


def test_the_database_keeps_its_data_where_the_image_does() -> None:
    """The image of PostgreSQL 18 has its data below /var/lib/postgresql, not in .../data."""
    database = compose()["services"]["db"]
    assert (database["image"], database["volumes"]) == ("postgres:18", ["database:/var/lib/postgresql"])


def test_the_database_is_ready_only_over_tcp() -> None:
    """While the image sets it up, the server answers on its Unix socket alone."""
    assert "--host=127.0.0.1" in compose()["services"]["db"]["healthcheck"]["test"]


def test_the_password_has_no_default() -> None:
    """Without POSTGRES_PASSWORD nothing starts, and the message says what to do."""
    uses = re.findall(r"\$\{?POSTGRES_PASSWORD[^}]*\}?", text("docker-compose.yaml"))
    assert len(uses) == 1
    assert uses[0].startswith("${POSTGRES_PASSWORD:?")
    assert ".env" in uses[0]
    assert "export" in uses[0]


def test_the_number_of_users_follows_the_scale() -> None:
    """DATASET_USERS defaults to what the default SCALE loads, in the services and in Locust."""
    running = compose()["services"]
    scale = shlex.split(running["loader"]["command"])[-1]
    told = {int(running[name]["environment"]["DATASET_USERS"]) for name in [*catalogue.services(), *LOAD]}
    assert told == {dataset.size(scale).users}


@pytest.mark.parametrize("name", LOAD)
def test_locust_runs_a_scenario_that_exists(name: str) -> None:
    """The default of SCENARIO is a file of locustfiles/."""
    words = shlex.split(compose()["services"][name]["command"])
    assert (CHECKOUT / words[words.index("-f") + 1]).is_file()


def test_what_is_not_for_everybody_is_in_a_profile() -> None:
    """`up` alone brings up neither a run nor a second web UI, and no service that shows a mistake."""
    profiles = {name: stanza["profiles"] for name, stanza in compose()["services"].items() if "profiles" in stanza}
    warnings = {name: ["warnings"] for name, service in catalogue.services().items() if service.warning}
    others = {"bench": ["bench"], "locust-master": ["distributed"], "locust-worker": ["distributed"]}
    assert profiles == warnings | others


def test_workers_find_the_master_and_can_be_many() -> None:
    """By its name, once its UI answers; none of them has a port or a name of its own, which only one could have."""
    services = compose()["services"]
    master, worker = services["locust-master"], services["locust-worker"]
    assert "--master --master-bind-host 0.0.0.0" in master["command"]
    assert worker["command"].endswith("--worker --master-host locust-master")
    assert worker["depends_on"] == {"locust-master": {"condition": HEALTHY}}
    assert {"ports", "container_name", "hostname"} & set(worker) == set()


def test_the_script_that_prepares_results_is_one() -> None:
    """Compose halves the `$$`, and the shell can read what is left."""
    shell, options, script = compose()["services"]["results_folder"]["command"]
    assert (shell, options) == ("sh", "-uc")
    assert "$" not in script.replace("$$", "")
    subprocess.run(["sh", "-nc", script.replace("$$", "$")], check=True)  # -n: read, not run


def test_prometheus_is_told_of_every_service() -> None:
    """The configuration in docs/docker.md has the port of each service that is up, and nothing else."""
    block = re.search(r"```yaml\n(.*?)```", text("docs/docker.md"), re.DOTALL)
    assert block is not None
    (job,) = yaml.safe_load(block[1])["scrape_configs"]
    told = job["static_configs"][0]["targets"]
    wanted = [f"127.0.0.1:{service.port}" for service in catalogue.usual().values()]
    assert told == wanted, f"docs/docker.md lacks a target, or has one too many: {set(told) ^ set(wanted)}"


def test_no_two_services_publish_the_same_port() -> None:
    """All profiles can be up at once."""
    ports = [port.split(":")[1] for stanza in compose()["services"].values() for port in stanza.get("ports", [])]
    assert len(ports) == len(set(ports))


def test_a_run_needs_nothing_but_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a private PostgreSQL: no other container works meanwhile, whose work would count as that of strangers.

    The image has the folder of its data, since a volume that is mounted on it gets its owner.
    """
    stanza = compose()["services"]["bench"]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    data = locate(CHECKOUT).home.relative_to(CHECKOUT)
    assert set(stanza["depends_on"]) == {"results_folder"}
    assert "environment" not in stanza
    assert stanza["volumes"] == ["./results:/app/results", f"bench_database:/app/{data}"]
    assert f"--owner bench --group bench {data}\n" in text("Dockerfile")
    assert "deploy" not in stanza


def test_a_run_is_the_plan_that_make_bench_runs() -> None:
    """And the command is bench's own, so that any other can be given in its place."""
    stanza = compose()["services"]["bench"]
    assert shlex.split(stanza["command"]) == ["run", "--plan", "default"]
    assert "default" in catalogue.plans()
    assert 'exec bench "$$@"' in stanza["entrypoint"][-2]


def test_everything_is_published_on_loopback_only() -> None:
    """No port can be reached from another machine, and no container shares the host's network."""
    stanzas = compose()["services"]
    ports = [str(port) for stanza in stanzas.values() for port in stanza.get("ports", [])]
    assert [port for port in ports if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []
    assert "127.0.0.1:8089:8089" in ports
    assert {stanza.get("network_mode") for stanza in stanzas.values()} <= {None, "none"}


def test_compose_1_29_and_2_both_read_it() -> None:
    """1.29 refuses the key `name`, and 2 warns of `version`."""
    assert {key for key in compose() if not key.startswith("x-")} == {"services", "volumes"}


def test_one_service_builds_the_image() -> None:
    """Builds of one tag side by side collide, and an image that nobody builds would be looked for in a registry."""
    own = {name: stanza for name, stanza in compose()["services"].items() if name != "db"}
    assert [name for name, stanza in own.items() if "build" in stanza] == ["results_folder"]
    assert [name for name in own if name != "results_folder" and not _waits_for("results_folder", name)] == []
    assert {(stanza["image"], stanza["pull_policy"]) for stanza in own.values()} == {
        ("fastapi-postgres-bench", "never")
    }


def test_images_start_from_python_3_13_slim() -> None:
    """And need neither a frontend image nor anything that only BuildKit knows."""
    dockerfile = text("Dockerfile")
    assert re.findall(r"(?im)^\s*FROM\s+(.*)$", dockerfile) == ["python:3.13-slim"]
    assert re.findall(r"(?im)^#\s*syntax\s*=|--mount=|--chmod|--link\b|<<-?\w+", dockerfile) == []


def test_the_image_does_not_run_as_root() -> None:
    """The last USER is an ordinary one; only the one-shot that prepares results/ is root, without a network."""
    assert re.findall(r"(?im)^USER\s+(\S+)", text("Dockerfile"))[-1] == "bench"
    as_root = {name: stanza for name, stanza in compose()["services"].items() if "user" in stanza}
    assert list(as_root) == ["results_folder"]
    assert as_root["results_folder"]["network_mode"] == "none"


@pytest.mark.parametrize("name", ["Dockerfile", "docker-compose.yaml", ".dockerignore"])
def test_no_package_index_is_named(name: str) -> None:
    """Packages come from wherever the machine is set up to find them; the lock's hashes say which they are."""
    hosts = set(re.findall(r"https?://([^\s/:\"']+)", text(name)))
    # By their names in docker-compose.yaml, containers reach each other: no other host is ever asked.
    assert hosts <= {"127.0.0.1", "{name}", EXTERNAL}
    assert EXTERNAL in compose()["services"]
    assert re.findall(r"(?i)index-url|--index\b|find-links|UV_\w*(?:INDEX|LINKS)\w*|trusted-host", text(name)) == []


def test_the_build_is_told_of_pip_settings_that_have_no_value_here() -> None:
    """Compose takes them from the user's environment; an empty one leaves pip's own."""
    arguments = re.findall(r"(?m)^ARG (.*)$", text("Dockerfile"))
    of_compose = yaml.safe_load(text("docker-compose.yaml"))["services"]["results_folder"]["build"]["args"]
    assert {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_PROXY"} <= {*arguments}
    assert of_compose == {name: f"${{{name}:-}}" for name in arguments}


def test_the_build_sees_what_the_dockerfile_copies_and_nothing_else() -> None:
    """.dockerignore leaves everything out but that: secrets, results and .git never enter an image."""
    copied = re.findall(r"(?m)^COPY (?:--\S+ )*(\S+) \S+$", text("Dockerfile"))
    lines = [line for line in text(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert sorted(line[1:].rstrip("/") for line in lines if line.startswith("!")) == sorted(copied)
