"""The address of a service that is not the suite's: what may be written, and where it leads."""

from urllib.parse import urlsplit


def checked(url: str) -> str:
    """The address without a slash at its end. Raises ValueError that names the problem."""
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError("an address has no spaces; write it as http://host:port")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{error}; write it as http://host:port") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("not the address of a service; write it as http://host:port")
    if "@" in parts.netloc:
        raise ValueError("an address with a name or password would appear in the results; write it as http://host:port")
    if parts.path not in {"", "/"} or "?" in url or "#" in url:
        raise ValueError(
            "an address has no path, because scenarios have their own (/users/1); write it as http://host:port"
        )
    return url.rstrip("/")


def host_and_port(url: str) -> tuple[str, int]:
    """Where to connect to."""
    parts = urlsplit(url)
    assert parts.hostname is not None  # noqa: S101  # `checked` has seen to it
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
