"""Messages of a client and of a server, and the state in which a server says that it is."""

from db.protocol import Message

IDLE, IN_TRANSACTION, FAILED = (b"Z", b"I"), (b"Z", b"T"), (b"Z", b"E")


def asked(*said: tuple[bytes, bytes], at_ns: int = 1, connection: int = 1) -> list[Message]:
    return [Message(at_ns, connection, True, kind, body) for kind, body in said]


def answered(*said: tuple[bytes, bytes], at_ns: int = 1, connection: int = 1) -> list[Message]:
    return [Message(at_ns, connection, False, kind, body) for kind, body in said]
