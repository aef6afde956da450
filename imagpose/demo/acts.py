"""What the page sets off: each act is one event, called with the request of its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from imagpose.demo.drawing import draw
from imagpose.demo.mishaps import sentence_of
from imagpose.demo.photographs import Photograph
from imagpose.demo.presets import mannequin
from imagpose.demo.request import Asked
from imagpose.demo.session import Session, Sessions
from imagpose.demo.studio import Studio
from imagpose.errors import InputError
from imagpose.options.names import amount, joined


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
        session = self._session(state, request)
        try:
            role, paths = uploads["role"], [self._upload(path) for path in uploads["paths"]]
        except (TypeError, KeyError, AttributeError):
            return self._tell(["The page sent what is no upload; load it again."])
        except InputError as error:
            return self._tell([str(error)])
        # Those that the page shows, and those that came after it said so.
        sources = {*_named(state, "photographs", "id"), *(session.sources - _known(state))}
        room = self.studio.most_sources - len(sources)
        if role == "source" and len(paths) > room:
            _delete(paths)
            files = "is 1 file" if len(paths) == 1 else f"are {len(paths)} files"
            had = f" and {len(sources)} here already" if sources else ""
            return self._tell([
                f"There {files}{had}; a person is drawn from {self.studio.most_sources} photographs at "
                "most, so choose fewer or remove some."
            ])  # fmt: skip
        return self._read(paths, session, "source" if role == "source" else "pose")

    def example(self, state: Any, request: gr.Request) -> dict[str, Any]:
        """A mannequin was asked for."""
        session = self._session(state, request)
        told: list[dict[str, Any]] = []
        try:
            for one in mannequin(session.mannequins, self.studio.size, self.studio.scratch):
                told.append(self._keep(one, session, "pose" if told else "source"))
        except Exception as error:
            session.forget([one["id"] for one in told])  # a part of a mannequin is of no use
            return self._tell([sentence_of(error)])
        session.mannequins += 1
        return self._tell([], told, anew=True)

    def begin(self, request: gr.Request) -> tuple[dict[str, Any], Any, Any]:
        """A drawing was asked for, and waits for its turn; a page has one at a time."""
        self.sessions.of(_page(request)).waits = True
        return {"state": "waiting", "says": "Waiting for the model."}, *_buttons(drawing=True)

    def draw(
        self, state: Any, scenario: Any, framing: Any, steps: Any, guidance: Any, seed: Any, request: gr.Request
    ) -> Iterator[dict[str, Any]]:
        """Its turn has come."""
        session = self.sessions.of(_page(request))
        session.waits = False
        try:
            asked = Asked.of(state, session.photographs, scenario, framing, steps, guidance, seed)
            yield from draw(self.studio, asked, session.stopped)
        except Exception as error:
            yield {"state": "refused", "says": sentence_of(error)}
        finally:
            session.stopped.clear()  # here alone: who cancels while it waits is heard

    def end(self, request: gr.Request) -> tuple[Any, Any, Any]:
        """The drawing is over, whatever came of it; one that still waits was not let in."""
        session = self.sessions.of(_page(request))
        turned_away = {"state": "refused", "says": "Too many are waiting for the model; draw again in a while."}
        told, session.waits = turned_away if session.waits else gr.skip(), False
        return told, *_buttons(drawing=False)

    def cancel(self, request: gr.Request) -> None:
        """The drawing is no longer wanted."""
        self.sessions.of(_page(request)).stopped.set()

    def back(self, request: gr.Request) -> tuple[Any, Any]:
        """The page's server was started again: nothing is being drawn for the page."""
        return _buttons(drawing=self.sessions.of(_page(request)).waits)

    def close(self, request: gr.Request) -> None:
        """The page was closed."""
        self.sessions.close(_page(request))

    def _session(self, state: Any, request: gr.Request) -> Session:
        """The page's session, less the photographs that its user has removed.

        The editor's value is as old as the event, which may have waited: what the page did not know of then stays.
        """
        session = self.sessions.of(_page(request))
        session.forget(_known(state) - {*_named(state, "photographs", "id"), *_named(state, "poses", "truth")})
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
        sentences, told, found = [], [], []
        for path in paths:
            try:
                photograph = Photograph.taken(path, self.studio.detector)
                if photograph.people:
                    found.append(f"{amount(len(photograph.people), 'person', 'people')} in {photograph.name}")
                else:
                    sentences.append(_nobody(photograph.name, role))
                if photograph.people or role == "source":
                    told.append(self._keep(photograph, session, role))
            except Exception as error:
                sentences.append(sentence_of(error))
            finally:
                _delete([path])
        return self._tell(sentences, told, found=f"Found {joined(found)}." if found else "")

    def _keep(self, photograph: Photograph, session: Session, role: str) -> dict[str, Any]:
        identifier = self.sessions.add(photograph, session)
        if role == "source":
            session.sources.add(identifier)
        return {**photograph.told(identifier), "role": role}

    def _tell(
        self,
        sentences: Sequence[str],
        photographs: Sequence[dict[str, Any]] = (),
        anew: bool = False,
        found: str = "",
    ) -> dict[str, Any]:
        self._told += 1  # what is told twice is news as well
        return {
            "number": self._told, "says": list(sentences), "photographs": list(photographs), "anew": anew,
            "found": found,
        }  # fmt: skip


def _page(request: gr.Request) -> str:
    return str(request.session_hash)


def _buttons(drawing: bool) -> tuple[Any, Any]:
    """Draw and Cancel."""
    return gr.Button(interactive=not drawing), gr.Button(interactive=drawing)


def _named(state: Any, part: str, key: str) -> list[str]:
    """Photographs that the editor's value names; what is of no use in it is told when it is to be drawn."""
    entries = state.get(part) if isinstance(state, dict) else None
    found = [one.get(key) for one in entries or () if isinstance(one, dict)] if isinstance(entries, list) else []
    return [name for name in found if isinstance(name, str)]


def _known(state: Any) -> set[str]:
    """Every photograph that the page had been told of when it sent the editor's value."""
    known = state.get("known") if isinstance(state, dict) else None
    return {name for name in known if isinstance(name, str)} if isinstance(known, list) else set()


def _delete(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _nobody(name: str, role: str) -> str:
    if role == "pose":
        return f"Nobody was found in {name}, so there is no pose to take from it; choose another photograph."
    return f"Nobody was found in {name}; drag the joints of the standing figure to where they are, or remove it."
