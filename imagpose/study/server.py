"""The server of a study: the page, blind pictures, and one question after the other.

It knows raters by a token that their browser drew, and nothing else of them. It does not open the key.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imagpose.study.origins import OwnPage
from imagpose.study.questions import PICTURES, VOTES, Study, read_study
from imagpose.study.votes import Rater, Vote, Votes

_PAGE = Path(__file__).with_name("page")
_FILES = {
    "/": ("index.html", "text/html"),
    "/study.css": ("study.css", "text/css"),
    "/study.js": ("study.js", "text/javascript"),
}
_LONGEST = 2000  # bytes of what a browser sends
_HEADERS = {
    # Nothing is loaded from elsewhere, and no other page may hold this one or learn where its reader comes from.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Asking:
    """Answers browsers.

    Args:
        folder: Of the study.

    Raises:
        InputError: It holds no study, or its votes cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.study: Study = read_study(folder)
        self.votes = Votes(folder / VOTES, make=True)
        self._pictures = {
            name: folder / PICTURES / name for item in self.study.items for name in (*item.pictures, *item.given)
        }

    def about(self) -> dict[str, Any]:
        """What the first screen says: how many questions of each kind a rater is asked."""
        first = self.study.items_of(1)
        return {"questions": len(first), "kinds": list(dict.fromkeys(item.kind for item in first))}

    def rater(self, token: str) -> Rater:
        """Whoever has a token; see :meth:`imagpose.study.votes.Votes.rater`."""
        return self.votes.rater(token, self.study.groups)

    def question(self, rater: Rater) -> dict[str, Any]:
        """A rater's next question, and what to load beforehand for the one after; ``done`` when there is none."""
        items, answered = self.study.items_of(*rater), self.votes.answered(rater.number)
        left = [item for item in items if item.name not in answered]
        told = {"rater": rater.number, "of": len(items), "number": len(items) - len(left) + 1}
        if not left:
            return {**told, "done": True}
        item = left[0]
        return {
            **told, "item": item.name, "kind": item.kind, "practice": item.practice, "given": item.given,
            "pictures": self.study.shown(item, rater.number),
            "next": [name for later in left[1:2] for name in (*later.pictures, *later.given)],
        }  # fmt: skip

    def vote(self, rater: Rater, item: str, choice: str) -> None:
        """Keep a vote.

        Raises:
            ValueError: The rater is not asked that, or it is no answer to it.
        """
        asked = {one.name: one for one in self.study.items_of(*rater)}
        if item not in asked or choice not in asked[item].choices:
            raise ValueError("no answer to a question of this rater")
        self.votes.cast(Vote(rater.number, item, choice))

    def picture(self, name: str) -> bytes:
        """A picture's bytes.

        Raises:
            KeyError: The study has no such picture.
        """
        return self._pictures[name].read_bytes()


def application(folder: Path, local: bool = False, name: str | None = None) -> Starlette:
    """The web application of a study's folder.

    Args:
        folder: Of the study.
        local: Whether it is reached from its own machine alone, see :class:`imagpose.study.origins.OwnPage`.
        name: The name under which a proxy is all the same.

    Raises:
        InputError: As of :class:`Asking`.
    """
    asking = Asking(folder)

    async def begin(sent: dict[str, str]) -> dict[str, Any]:
        rater = await run_in_threadpool(asking.rater, sent["token"])
        return await run_in_threadpool(asking.question, rater)

    async def vote(sent: dict[str, str]) -> dict[str, Any]:
        rater = await run_in_threadpool(asking.rater, sent["token"])
        await run_in_threadpool(asking.vote, rater, sent["item"], sent["choice"])
        return await run_in_threadpool(asking.question, rater)

    async def about(request: Request) -> Response:
        return _answer(asking.about())

    async def picture(request: Request) -> Response:
        try:
            content = await run_in_threadpool(asking.picture, request.path_params["name"])
        except KeyError:
            raise HTTPException(404) from None
        # No date and no tag: they would tell which pictures were written together.
        return Response(content, media_type="image/png", headers={**_HEADERS, "Cache-Control": "private, max-age=3600"})

    async def unknown(request: Request, error: Exception) -> Response:
        return _answer({"error": "There is no such page; open the study's first one."}, 404)

    async def unfit(request: Request, error: Exception) -> Response:
        return _answer({"error": "This page takes no such request."}, 405)

    routes = [
        *(Route(path, _file(*named)) for path, named in _FILES.items()),
        Route("/about", about), Route("/pictures/{name}", picture),
        Route("/question", _posted(begin), methods=["POST"]), Route("/vote", _posted(vote), methods=["POST"]),
    ]  # fmt: skip
    only = Middleware(OwnPage, local=local, name=name)
    return Starlette(routes=routes, middleware=[only], exception_handlers={404: unknown, 405: unfit})


def _answer(found: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(found, status, _HEADERS)


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = (_PAGE / name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind, headers=_HEADERS)

    return answer


def _posted(work: Callable[[dict[str, str]], Awaitable[dict[str, Any]]]) -> Callable[[Request], Awaitable[Response]]:
    """Hands on a small JSON object of texts, and refuses all else in a sentence."""

    async def answer(request: Request) -> Response:
        try:
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST:
                    raise ValueError("too long")
            sent = json.loads(body)
            if not isinstance(sent, dict) or not all(isinstance(one, str) for one in sent.values()):
                raise ValueError("no texts")
            return _answer(await work(sent))
        except (ValueError, KeyError, RecursionError):
            return _answer({"error": "This is no answer to a question of this study; open its page again."}, 400)

    return answer
