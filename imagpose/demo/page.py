"""The page: which parts it has, and what each of them sets off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import gradio as gr
from gradio.themes import Base, Color, Size

from imagpose.data.framing import Framing
from imagpose.data.keypoints import COLOURS, FLIP_ORDER, JOINTS, LIMBS
from imagpose.data.scenarios import Setting
from imagpose.demo.drawing import draw
from imagpose.demo.photographs import Photograph, wire
from imagpose.demo.presets import mannequin, presets
from imagpose.demo.request import Asked
from imagpose.demo.session import Session, Sessions
from imagpose.demo.studio import Studio
from imagpose.errors import InputError, one_line

_STATIC = Path(__file__).parent / "static"
CSS = (_STATIC / "page.css").read_text(encoding="utf-8")
THEME = Base(
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="teal", neutral_hue="gray"
)  # fonts of the reader's own machine: nothing is loaded for them
_QUEUE = {"concurrency_id": "device", "concurrency_limit": 1, "show_progress": "hidden", "api_name": False}
_AT_ONCE = {"queue": False, "show_progress": "hidden", "api_name": False}
_WAITING = 32  # drawings and detections of all pages; the next one is told to come back


def page(studio: Studio, sessions: Sessions) -> gr.Blocks:
    """The page.

    Args:
        studio: What draws and finds people.
        sessions: The open pages.
    """
    acts = _Acts(studio, sessions)
    with gr.Blocks(title="IMAGPose", analytics_enabled=False, delete_cache=(60, 600)) as blocks:
        gr.HTML(_heading(studio), elem_id="heading")
        with gr.Row(equal_height=False, elem_id="columns"):
            with gr.Column(scale=3, min_width=320):
                count = f"1 to {studio.most_sources} photographs" if studio.most_sources > 1 else "One photograph"
                files = gr.File(
                    label=f"{count} of a person", file_count="multiple", file_types=["image"], height=130,
                    elem_id="files",
                )  # fmt: skip
                with gr.Row(elem_id="more"):
                    example = gr.Button("Try a mannequin", size="sm", min_width=150, elem_id="example")
                    other = gr.UploadButton(
                        "Take a pose from a photograph", file_types=["image"], size="sm", min_width=150, elem_id="other"
                    )
                received = _part("received", None)
                editor = _part("editor", _EMPTY, skeleton=_SKELETON, presets=_presets(studio), most=studio.most_sources)
            with gr.Column(scale=2, min_width=320):
                with gr.Group(elem_id="settings"):
                    scenario = gr.Dropdown(
                        list(get_args(Setting)), value="auto", label="Scenario",
                        info="auto follows the numbers of photographs and poses",
                    )  # fmt: skip
                    framing = gr.Radio(
                        list(get_args(Framing)), value="letterbox", label="Framing",
                        info="the whole photograph, or what is around the figure",
                    )  # fmt: skip
                    steps = gr.Slider(1, 100, value=studio.trained.steps, step=1, label="Denoising steps")
                    guidance = gr.Slider(0, 10, value=studio.trained.scale, step=0.1, label="Guidance w", info="1 is none")
                    seed = gr.Number(0, precision=0, minimum=0, maximum=2**32 - 1, label="Seed")
                with gr.Row():
                    begin = gr.Button("Draw", variant="primary", elem_id="draw")
                    cancel = gr.Button("Cancel", elem_id="cancel", interactive=False)
                results = _part("results", None)

        files.upload(acts.receive, [files, editor], [received, files], **_QUEUE)
        other.upload(acts.receive_pose, [other, editor], [received, other], **_QUEUE)
        example.click(acts.example, editor, received, **_QUEUE)
        begin.click(acts.begin, None, [results, cancel], **_AT_ONCE).then(
            acts.draw, [editor, scenario, framing, steps, guidance, seed], [results, cancel], **_QUEUE
        )
        cancel.click(acts.cancel, None, None, **_AT_ONCE)
        blocks.unload(acts.close)
    return blocks.queue(max_size=_WAITING, api_open=False)


_EMPTY: dict[str, Any] = {"photographs": [], "poses": []}
_SKELETON = {
    "joints": [name.replace("_", " ") for name in JOINTS], "limbs": [list(limb) for limb in LIMBS],
    "mirror": list(FLIP_ORDER), "colours": ["#%02x%02x%02x" % tuple(row) for row in (COLOURS * 255).astype(int).tolist()],
}  # fmt: skip


def _part(name: str, value: Any, **props: Any) -> gr.HTML:
    """A part of the page whose script is ``static/<name>.js``: it builds what is seen, and nothing is a template."""
    script = (_STATIC / f"{name}.js").read_text(encoding="utf-8")
    return gr.HTML(value, html_template="", js_on_load=script, apply_default_css=False, elem_id=name, **props)


def _presets(studio: Studio) -> list[dict[str, Any]]:
    return [{"name": name, **wire(pose)} for name, pose in presets(studio.size).items()]


def _heading(studio: Studio) -> str:
    height, width = studio.size
    return (
        "<h1>IMAGPose</h1><p>Photographs of a person, and poses: the same person in these poses. "
        f"The model draws {height}×{width} pixels.</p>"
    )


class _Acts:
    """What the page sets off; each is called with the request of its page."""

    def __init__(self, studio: Studio, sessions: Sessions) -> None:
        self.studio, self.sessions = studio, sessions
        self._told = 0

    def receive(self, paths: Sequence[str] | None, state: Any, request: gr.Request) -> tuple[dict[str, Any], None]:
        """Photographs of the person were uploaded."""
        session, sources = self._session(state, request), _named(state, "photographs", "id")
        room = self.studio.most_sources - len(sources)
        given = [Path(path) for path in paths or ()]
        if len(given) > room:
            _delete(given)
            had = f" and {len(sources)} here already" if sources else ""
            return self._tell([
                f"There are {len(given)} files{had}; at most {self.studio.most_sources} photographs of a person are drawn from, "
                "so choose fewer or remove some."
            ]), None
        return self._read(given, session, "source"), None

    def receive_pose(self, path: str | None, state: Any, request: gr.Request) -> tuple[dict[str, Any], None]:
        """A photograph was uploaded for its pose alone."""
        return self._read([Path(path)] if path else [], self._session(state, request), "pose"), None

    def example(self, state: Any, request: gr.Request) -> dict[str, Any]:
        """A mannequin was asked for."""
        session = self._session(state, request)
        photographs = list(mannequin(session.mannequins, self.studio.size, self.studio.scratch))
        session.mannequins += 1
        session.photographs.clear()  # it takes the place of what is there
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
