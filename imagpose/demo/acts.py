"""What the page sets off: each act is one event, called with the request of its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from imagpose.demo.drawing import draw
from imagpose.demo.photographs import Photograph
from imagpose.demo.presets import mannequin
from imagpose.demo.request import Asked
from imagpose.demo.session import Session, Sessions
from imagpose.demo.studio import Studio
from imagpose.errors import InputError, one_line


class Acts:
    """The acts of all pages.

    Args:
        studio: What draws and finds people.
        sessions: The open pages.
    """

    def __init__(self, studio: Studio, sessions: Sessions) -> None:
        self.studio, self.sessions = studio, sessions
        self._told = 0

    def receive(self, uploads: Any, state: Any, request: gr.Request) -> dict[str, Any]:
        """Photographs were uploaded: of the person, or for the pose of one alone."""
        session, sources = self._session(state, request), _named(state, "photographs", "id")
        try:
            role, paths = uploads["role"], [self._upload(path) for path in uploads["paths"]]
        except (TypeError, KeyError, AttributeError):
            return self._tell(["The page sent what is no upload; load it again."])
        except InputError as error:
            return self._tell([str(error)])
        room = self.studio.most_sources - len(sources)
        if role == "source" and len(paths) > room:
            _delete(paths)
            had = f" and {len(sources)} here already" if sources else ""
            return self._tell([
                f"There are {len(paths)} files{had}; a person is drawn from {self.studio.most_sources} photographs at "
                "most, so choose fewer or remove some."
            ])  # fmt: skip
        return self._read(paths, session, "source" if role == "source" else "pose")

    def example(self, state: Any, request: gr.Request) -> dict[str, Any]:
        """A mannequin was asked for."""
        session = self._session(state, request)
        photographs = list(mannequin(session.mannequins, self.studio.size, self.studio.scratch))
        session.mannequins += 1
        roles = ["source", *["pose"] * (len(photographs) - 1)]
        told = [{**self._keep(one, session), "role": role} for one, role in zip(photographs, roles, strict=True)]
        return self._tell([], told, anew=True)

    def begin(self, request: gr.Request) -> tuple[dict[str, Any], Any]:
        """A drawing was asked for, and waits for its turn."""
        self.sessions.of(_page(request)).stopped.clear()
        return {"state": "waiting", "says": "Waiting for the model."}, gr.Button(interactive=True)

    def draw(
        self, state: Any, scenario: Any, framing: Any, steps: Any, guidance: Any, seed: Any, request: gr.Request
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """Its turn has come."""
        session = self.sessions.of(_page(request))
        try:
            asked = Asked.of(state, session.photographs, scenario, framing, steps, guidance, seed)
            for told in draw(self.studio, asked, session.stopped):
                yield told, gr.skip()
        except InputError as error:
            yield {"state": "refused", "says": one_line(str(error))}, gr.skip()
        yield gr.skip(), gr.Button(interactive=False)

    def cancel(self, request: gr.Request) -> None:
        """The drawing is no longer wanted."""
        self.sessions.of(_page(request)).stopped.set()

    def close(self, request: gr.Request) -> None:
        """The page was closed."""
        self.sessions.close(_page(request))

    def _session(self, state: Any, request: gr.Request) -> Session:
        """The page's session, less the photographs that its user has removed."""
        session = self.sessions.of(_page(request))
        session.keep([*_named(state, "photographs", "id"), *_named(state, "poses", "truth")])
        return session

    def _upload(self, path: str) -> Path:
        """The file that a page says it has uploaded.

        Raises:
            InputError: It lies elsewhere, and is not looked at.
        """
        place, scratch = Path(path.replace("\0", "")).resolve(), self.studio.scratch.resolve()
        if place == scratch or not place.is_relative_to(scratch):
            raise InputError("The page named a file that it has not uploaded; load it again.")
        return place

    def _read(self, paths: Sequence[Path], session: Session, role: str) -> dict[str, Any]:
        sentences, told = [], []
        for path in paths:
            try:
                photograph = Photograph.taken(path, self.studio.detector)
                if not photograph.people:
                    sentences.append(_nobody(photograph.name, role))
                if photograph.people or role == "source":
                    told.append({**self._keep(photograph, session), "role": role})
            except InputError as error:
                sentences.append(one_line(str(error)))
            finally:
                _delete([path])
        return self._tell(sentences, told)

    def _keep(self, photograph: Photograph, session: Session) -> dict[str, Any]:
        return photograph.told(session.add(photograph))

    def _tell(
        self, sentences: Sequence[str], photographs: Sequence[dict[str, Any]] = (), anew: bool = False
    ) -> dict[str, Any]:
        self._told += 1  # what is told twice is news as well
        return {"number": self._told, "says": list(sentences), "photographs": list(photographs), "anew": anew}


def _page(request: gr.Request) -> str:
    return str(request.session_hash)


def _named(state: Any, part: str, key: str) -> list[str]:
    """Photographs that the editor's value names; what is of no use in it is told when it is to be drawn."""
    entries = state.get(part) if isinstance(state, dict) else None
    found = [one.get(key) for one in entries or () if isinstance(one, dict)] if isinstance(entries, list) else []
    return [name for name in found if isinstance(name, str)]


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _nobody(name: str, role: str) -> str:
    if role == "pose":
        return f"Nobody was found in {name}, so there is no pose to take from it; choose another photograph."
    return f"Nobody was found in {name}; drag the joints of the standing figure to where they are, or remove it."
