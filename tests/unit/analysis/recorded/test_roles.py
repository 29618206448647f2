"""Roles: the names under which stored runs have what processes used."""

from bench.analysis.recorded import roles


def test_roles_are_named_as_stored_runs_name_them() -> None:
    """window.json and resources.csv have these words: another one would not be found in runs that were kept."""
    assert (roles.SERVICE, roles.DATABASE, roles.LOAD, roles.TARGET) == ("service", "database", "load", "target")
    assert (roles.RELAY, roles.EXTERNAL) == ("relay", "external API")
    assert (roles.HARNESS, roles.IDLE) == ("harness", "others")
