"""A page's address, taken before anything is loaded: who is told that it is somebody else's need not wait."""

from __future__ import annotations

import ipaddress
import socket

from imagpose.errors import InputError

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address.

    Raises:
        InputError: It is taken, or no address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
        listening.listen()  # who comes early waits
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"Nothing can listen at {host}, port {port} ({reason}); name another --host or --port, or --port 0 for "
            "any that is free."
        ) from error
    return listening


def address(host: str, listening: socket.socket) -> str:
    """The page's address for a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def is_local(listening: socket.socket) -> bool:
    """Whether no other machine reaches a socket."""
    place = ipaddress.ip_address(listening.getsockname()[0])
    return (getattr(place, "ipv4_mapped", None) or place).is_loopback


def is_own(host: str, origin: str | None) -> bool:
    """Whether a request comes from a page of the server itself, or from no page at all.

    Args:
        host: What the browser calls the server (Host).
        origin: Of which page the browser says that it set the request off (Origin); None where it says nothing.
    """
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def names(host: str, listening: socket.socket) -> tuple[str, ...]:
    """What a browser may call the page's host, as it stands in an address; none is any name.

    Args:
        host: As the user named it.
        listening: At it. Only where no other machine reaches it are its names known.
    """
    if not is_local(listening):
        return ()
    place = str(listening.getsockname()[0])
    return (*_LOOPBACK, *(f"[{name}]" if ":" in name else name for name in (host.lower(), place)))
