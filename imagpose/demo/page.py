"""The page: which parts it has, and which of :mod:`.acts` each sets off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import gradio as gr

from imagpose.data.framing import Framing
from imagpose.data.keypoints import COLOURS, FLIP_ORDER, JOINTS, LIMBS
from imagpose.data.scenarios import Setting
from imagpose.demo.acts import Acts
from imagpose.demo.presets import presets
from imagpose.demo.session import MOST_PAGES, Sessions
from imagpose.demo.studio import Studio

_STATIC = Path(__file__).parent / "static"
CSS = (_STATIC / "page.css").read_text(encoding="utf-8")
# Fonts of the reader's own machine, as nothing is loaded for them; a text's contrast with its ground is 4.5 at least.
THEME = gr.themes.Base(
    font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"], primary_hue="teal", neutral_hue="gray"
).set(
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
)
_QUEUE = {"concurrency_id": "device", "concurrency_limit": 1, "show_progress": "hidden", "api_name": False}
_AT_ONCE = {"queue": False, "show_progress": "hidden", "api_name": False}
MOST_BYTES = 32 * 2**20
"""Of one photograph."""
_WAITING = 32  # drawings and detections of all pages; the next one is told to come back


def page(studio: Studio, sessions: Sessions) -> gr.Blocks:
    """The page.

    Args:
        studio: What draws and finds people.
        sessions: The open pages.
    """
    acts = Acts(studio, sessions)
    with gr.Blocks(title="IMAGPose", analytics_enabled=False, delete_cache=(60, 600)) as blocks:
        gr.HTML(_heading(studio), elem_id="heading")
        with gr.Row(equal_height=False, elem_id="columns"):
            with gr.Column(scale=3, min_width=320):
                uploads = _part("uploads", None, ("dom", "uploads"), most=studio.most_sources, most_bytes=MOST_BYTES)
                received = _part("received", None, ["received"])
                editor = _part(
                    "editor", _EMPTY, _EDITOR, skeleton=_SKELETON, presets=_presets(studio), most=studio.most_sources
                )
            with gr.Column(scale=2, min_width=320):
                with gr.Group(elem_id="settings"):
                    with gr.Row():
                        scenario = gr.Dropdown(
                            list(get_args(Setting)), value="auto", label="Scenario", min_width=180,
                            info="auto follows the numbers of photographs and poses",
                        )  # fmt: skip
                        framing = gr.Dropdown(
                            list(get_args(Framing)), value="letterbox", label="Framing", min_width=180,
                            info="the whole photograph, or what is around the figure",
                        )  # fmt: skip
                    own = studio.trained
                    steps = _as_sent(gr.Slider(1, 100, value=own.steps, step=1, label="Denoising steps"))
                    guidance = _as_sent(gr.Slider(0, 10, value=own.scale, step=0.1, label="Guidance w (1 is none)"))
                    seed = _as_sent(gr.Number(0, label="Seed"))
                with gr.Row():
                    begin = gr.Button("Draw", variant="primary", elem_id="draw")
                    cancel = gr.Button("Cancel", elem_id="cancel", interactive=False)
                results = _part("results", None, ["dom", "results", "alive"])

        uploads.upload(acts.receive, [uploads, editor], received, trigger_mode="multiple", **_QUEUE)
        uploads.example(acts.example, editor, received, **_QUEUE)
        begin.click(acts.begin, None, [results, begin, cancel], **_AT_ONCE).then(
            acts.draw, [editor, scenario, framing, steps, guidance, seed], results, **_QUEUE
        ).then(acts.end, None, [results, begin, cancel], **_AT_ONCE)
        cancel.click(acts.cancel, None, None, **_AT_ONCE)
        results.back(acts.back, None, [begin, cancel], **_AT_ONCE)

        def closed(request: gr.Request) -> None:
            acts.close(request)
            blocks.state_holder.session_data.pop(request.session_hash, None)  # Gradio would keep it for an hour

        blocks.unload(closed)
    blocks.state_session_capacity = MOST_PAGES
    return blocks.queue(max_size=_WAITING, api_open=False)


def _as_sent(field: Any) -> Any:
    """A field whose number arrives as it was typed: Gradio's own check ends an event before any act is called."""
    field.preprocess = lambda value: value
    return field


_EDITOR = ("dom", "figures", "skeleton", "editor")
_EMPTY: dict[str, Any] = {"photographs": [], "poses": [], "known": []}
_SKELETON = {
    "joints": [name.replace("_", " ") for name in JOINTS], "limbs": [list(limb) for limb in LIMBS],
    "mirror": list(FLIP_ORDER), "colours": [f"rgb({r * 255:.0f} {g * 255:.0f} {b * 255:.0f})" for r, g, b in COLOURS],
}  # fmt: skip


def _part(name: str, value: Any, scripts: Sequence[str], **props: Any) -> gr.HTML:
    """A part of the page; its scripts, of ``static/``, build what is seen, and nothing is a template."""
    script = "\n".join((_STATIC / f"{one}.js").read_text(encoding="utf-8") for one in scripts)
    return gr.HTML(value, html_template="", js_on_load=script, apply_default_css=False, elem_id=name, **props)


def _presets(studio: Studio) -> list[dict[str, Any]]:
    return [{"name": name, **pose.form()} for name, pose in presets(studio.size).items()]


def _heading(studio: Studio) -> str:
    height, width = studio.size
    return (
        "<h1>IMAGPose</h1><p>Photographs of a person, and poses: the same person in these poses. "
        f"The model draws {height}×{width} pixels.</p>"
    )
