"""The TCP connections of this machine as the kernel shows them, and which processes hold them."""

import ipaddress
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
End = tuple[str, int]
"""An address, without brackets or zone, and a port."""


@dataclass(frozen=True)
class HeldSocket:
    """One end of a connection: the user who opened it, and its number among the sockets of the kernel."""

    uid: int
    inode: str

    def held_by(self, pid: int) -> bool | None:
        """Whether a process holds it; None where its files cannot be read."""
        found = open_sockets(pid)
        return None if found is None else self.inode in found


def end(address: str, port: int) -> End:
    """An end by an address in any spelling; an IPv4 address within IPv6 is an IPv4 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found), port


def at(local: End, remote: End) -> HeldSocket | None:
    """The end `local` of the connection with `remote`. None if no connection of our network has it."""
    for fields in _lines():
        if _end(fields[1]) == local and _end(fields[2]) == remote and fields[9] != "0":
            return HeldSocket(int(fields[7]), fields[9])
    return None


def holders(held: HeldSocket) -> list[int]:
    """The processes that hold it, of those whose files can be read."""
    pids = (int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit())
    return [pid for pid in pids if held.held_by(pid)]


def open_sockets(pid: int) -> set[str] | None:
    """The sockets of a process. None where they cannot be read: it has ended, or it belongs to another user."""
    found = set[str]()
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):  # it has just been closed
                name = str(entry.readlink())
                if name.startswith("socket:["):
                    found.add(name[len("socket:[") : -1])
    except OSError:
        return None
    return found


def _lines() -> Iterator[list[str]]:
    """See proc_net_tcp in the kernel documentation."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            yield from map(str.split, (PROC / "self/net" / name).read_text().splitlines()[1:])


def _end(text: str) -> End:
    address, _, port = text.partition(":")
    words: Iterable[bytes] = (bytes.fromhex(address[at : at + 8]) for at in range(0, len(address), 8))
    # Each word is in the byte order of this machine.
    packed = b"".join(struct.pack("!I", *struct.unpack("=I", word)) for word in words)
    return end(str(ipaddress.ip_address(packed)), int(port, 16))
