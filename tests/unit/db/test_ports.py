"""Ports: whether one can be listened on, and who has it."""

import os
import socket

import pytest

from bench.measure.fleet.serving import check_ports
from db import ports
from suite.errors import PreflightError


def test_a_taken_port_is_refused_with_its_holder() -> None:
    """In the system's words; a service's port with the process and the remedy."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert ports.refusal(port) == "Address already in use"
        assert ports.answers(port)
        assert f"(pid {os.getpid()})" in ports.holder(port)
        with pytest.raises(PreflightError, match=rf"port {port} is taken.*; end that process, or leave the service"):
            check_ports([port])
    assert ports.refusal(port) is None
    assert not ports.answers(port)


@pytest.mark.parametrize("address", ["192.0.2.7", "nowhere.invalid", "x" * 70])
def test_an_address_of_another_machine_is_refused(address: str) -> None:
    """So is what is no address at all."""
    assert ports.refusal(0, address)
