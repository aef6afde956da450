"""What the server keeps of each open page, in memory, until it is closed."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable

from imagpose.demo.photographs import Photograph
from imagpose.errors import InputError

MOST_PHOTOGRAPHS = 24
"""Of one page, sources and those that poses were taken from."""
MOST_PAGES = 64
"""A page that never says that it is closed is forgotten when so many others came after it."""
MOST_BYTES = 2**30
"""Of the photographs of all pages."""


class Session:
    """One open page.

    Attributes:
        photographs: By the name that the page knows each by.
        sources: Names of those that were given as photographs of the person.
        waits: Whether a drawing that it asked for has not begun.
        stopped: Set to end its drawing after the step in progress.
        mannequins: How many it was shown.
    """

    def __init__(self) -> None:
        self.photographs: dict[str, Photograph] = {}
        self.sources: set[str] = set()
        self.waits = False
        self.stopped = threading.Event()
        self.mannequins = 0

    def add(self, photograph: Photograph) -> str:
        """Keep a photograph; returns the name that the page knows it by.

        Raises:
            InputError: The page holds too many.
        """
        if len(self.photographs) >= MOST_PHOTOGRAPHS:
            raise InputError(
                f"{photograph.name} is one too many: the page holds {MOST_PHOTOGRAPHS} photographs; remove some first."
            )
        identifier = secrets.token_hex(8)
        self.photographs[identifier] = photograph
        return identifier

    def forget(self, identifiers: Iterable[str]) -> None:
        """Forget these photographs."""
        for identifier in set(identifiers):
            self.photographs.pop(identifier, None)
            self.sources.discard(identifier)


class Sessions:
    """The open pages."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()
        self._stopped = False

    def of(self, page: str) -> Session:
        """A page's session; its first call begins it."""
        with self._lock:
            session = self._open.pop(page, None) or Session()
            self._open[page] = session
            if self._stopped:
                session.stopped.set()
            if len(self._open) > MOST_PAGES:
                _, oldest = self._open.popitem(last=False)
                oldest.stopped.set()
            return session

    def add(self, photograph: Photograph, session: Session) -> str:
        """:meth:`Session.add`, where there is room for it beside the photographs of all pages.

        Raises:
            InputError: There is none; or as of it.
        """
        with self._lock:
            held = sum(one.bytes for other in self._open.values() for one in other.photographs.values())
            if held + photograph.bytes > MOST_BYTES:
                raise InputError(
                    f"{photograph.name} finds no room: all open pages together hold {MOST_BYTES // 2**20:,} MB of "
                    "photographs; remove some, or close other pages."
                )
            return session.add(photograph)

    def close(self, page: str) -> None:
        """Stop what a page is drawing, and forget it."""
        with self._lock:
            session = self._open.pop(page, None)
        if session is not None:
            session.stopped.set()
            session.photographs.clear()

    def stop(self) -> None:
        """Stop what all pages are drawing, and whatever is asked for from now on: the server ends."""
        with self._lock:
            self._stopped = True
            for session in self._open.values():
                session.stopped.set()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, page: object) -> bool:
        return page in self._open
