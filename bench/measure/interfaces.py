"""The network interfaces of this machine."""

import ipaddress
import socket

import psutil

from bench.plan.address import host_and_port


def on_this_machine(url: str) -> bool:
    """Whether requests stay on this machine: a loopback address, or one of its own."""
    host, port = host_and_port(url)
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    own = {entry.address.partition("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback or one in own for one in found)
