"""``imagpose export``: a run's averaged weights as a pipeline folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from imagpose.data.pose_detector import FOR_MANNEQUINS
from imagpose.data.text import is_number, parse_json
from imagpose.errors import InputError
from imagpose.evaluation.metrics import FIGURE
from imagpose.generation.model import knows_mannequins
from imagpose.options.names import joined
from imagpose.options.ranges import Timestep, check_interval
from imagpose.options.trust import read
from imagpose.output.files import whole_file, whole_folder
from imagpose.training import runs

if TYPE_CHECKING:
    from imagpose.pipeline import ImagposePipeline

_CARD = """---
library_name: imagpose
license: apache-2.0
---
# {name}

An IMAGPose pipeline: pictures of a person and poses in, pictures in those poses out, on canvases of {panels} panels.

```python
from imagpose import BodyPose, ImagposePipeline

pipe = ImagposePipeline.from_pretrained("{name}")
```

- **Weights**: {weights} of the run `{experiment}` after {steps} steps of {batch} canvases, in half precision.
- **Starts from**: {base} and the frozen image encoder `{encoder}`.
- **Data**: `{root}`{mannequins}.
- **Guidance**: {guided}, unless told otherwise.
- **Pictures**: {height}×{width} pixels; others are fitted into that.
- **Limits**: it knows what its data shows and nothing else{limits}. Faces and hands have no detail at this size.
- **Use**: say of a generated picture that it is one; the command line writes it into every PNG.

## Figures

The run's own test on held-out people (T1, {sampled}), from its `metrics.json`:

| Scored | SSIM in the box | PSNR, dB | identity@1 | pattern@1 |
|---|---|---|---|---|
{rows}

`wrong_source` is the model given another person, `vae` the truth through the VAE, which is the ceiling; `T2` has the
source three times, `T3` three sources. Intervals are 95 %, over people.
"""


def export(
    *,
    run: Path,
    out: Path,
    overwrite: bool = False,
    trust: tuple[str, ...] = (),
    guidance_form: Literal["joint", "printed", "tokens"] | None = None,
    guidance_interval: tuple[Timestep, Timestep] | None = None,
) -> None:
    """Write a run's averaged weights as a pipeline folder in half precision, with a model card; a LoRA's file too.

    Args:
        run: The run's folder, such as runs/tiny/version_0; it must be finished.
        out: The folder to write; of a LoRA, a name that ends in .safetensors is its file alone.
        overwrite: Replace what is there.
        trust: Modules or packages, beside imagpose, lightning, torch and diffusers, whose classes the run's config.yaml
            may name; their code is then run; repeatable.
        guidance_form: How the pipeline is guided unless told otherwise, see ``make guidance``; None is as the run.
        guidance_interval: The lowest and the highest timestep of that guidance, such as 500 1000; likewise.
    """
    check_interval("--guidance_interval", guidance_interval)
    from diffusers.utils import logging

    from imagpose.models import lora
    from imagpose.models.pipeline_folder import told_by
    from imagpose.pipeline import ImagposePipeline
    from imagpose.training.restore import module_of_run

    logging.set_verbosity_error()  # it warns of casting modules whose list is empty
    found = runs.from_folder(run)
    if not found.complete:
        raise InputError(f"{run} is not finished, so its model card would have no figures; train it to its end first.")
    _metrics(found)  # a mistake is told before the model is built
    alone_file = out.suffix == ".safetensors"
    if alone_file:
        _may_write_file(out, overwrite)
    else:
        _may_write(out, overwrite)
    module = module_of_run(run, trust)
    if alone_file:
        _write_lora(module, run, out)
        return
    pipe = ImagposePipeline.of_module(module)
    if knows_mannequins(read(found.config)):
        pipe.register_to_config(detector=FOR_MANNEQUINS)
    if lora.has(module.network) and (start := module.start.pipeline()) is not None:  # it is to draw as --lora does
        pipe.register_to_config(**told_by(start))
    if guidance_form is not None:
        pipe.register_to_config(guidance_form=guidance_form)
    if guidance_interval is not None:
        pipe.register_to_config(guidance_interval=list(guidance_interval))
    try:
        card = _card(found, out.name, pipe)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{found.config} does not say all that a model card tells ({error}); take the file that fit wrote."
        ) from error
    try:
        with whole_folder(out) as unfinished:
            _may_write(out, overwrite)  # another process may have written it by now
            pipe.to(dtype=torch.float16).save_pretrained(unfinished)
            if lora.has(module.network):
                _save_lora(module, unfinished / lora.FILE)
            (unfinished / "README.md").write_text(card, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); make room or name another.") from error
    megabytes = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6
    print(f"The pipeline is in {out} ({megabytes:.1f} MB).")


def _save_lora(module: Any, path: Path) -> None:
    from imagpose.models import lora

    few = hasattr(module, "folded_in")  # distilled
    scheduler, steps = (module.schedule.for_sampling(), module.sampling_steps) if few else (None, None)
    with module.ema.applied():
        lora.save(module.network, path, scheduler, steps, getattr(module, "lora_start", {}))


def _write_lora(module: Any, run: Path, out: Path) -> None:
    from imagpose.models import lora

    if not lora.has(module.network):
        raise InputError(f"{run} trained no LoRA, so {out} would be empty; name a folder as --out.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as unfinished:
            _save_lora(module, unfinished)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror or error}); make room or name another.") from error
    print(f"The LoRA is in {out} ({out.stat().st_size / 1e6:.1f} MB).")


def _may_write_file(out: Path, overwrite: bool) -> None:
    if out.exists() and not (overwrite and out.is_file()):
        raise InputError(f"{out} exists; add --overwrite true or name another file.")


def _may_write(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists; add --overwrite true or name another folder.")
    if out.exists() and not (out / "model_index.json").exists():
        raise InputError(f"{out} is no pipeline folder and is not replaced; name another folder.")


def _metrics(run: runs.Run) -> dict[str, float]:
    """A run's results.

    Raises:
        InputError: They are not as fit writes them.
    """
    try:
        metrics = parse_json(run.metrics)
    except (OSError, ValueError) as error:
        raise InputError(f"{run.metrics} cannot be read ({error}); test the run anew.") from error
    if not isinstance(metrics, dict) or "steps" not in metrics or not all(map(is_number, metrics.values())):
        raise InputError(f"{run.metrics} holds no results of a run, steps and finite numbers; test the run anew.")
    return metrics


def _card(run: runs.Run, name: str, pipe: ImagposePipeline) -> str:
    options, metrics = read(run.config), _metrics(run)
    model, data = options["model"]["init_args"], options["data"]["init_args"]
    encoder, rank = model["encoder"]["init_args"], model.get("lora_rank")
    drawn = data["mannequins"] if knows_mannequins(options) else None
    return _CARD.format(
        name=name, experiment=run.experiment, steps=int(metrics["steps"]), batch=data["batch_size"],
        weights=f"those of its start, with the LoRA of rank {rank}," if rank else "the moving average",
        base=_start(model), encoder=encoder.get("weights_name") or encoder["model"], root=data["root"],
        mannequins=f", {drawn['identities']} drawn mannequins with {drawn['views']} views each" if drawn else "",
        limits=": plain backgrounds, drawn bodies, eight patterns" if drawn else "",
        height=pipe.image_size[0], width=pipe.image_size[1], guided=_guided(pipe),
        panels=joined(pipe.config["panels"]), sampled=_sampled(options["model"]),
        rows="\n".join(_figures(metrics)),
    )  # fmt: skip


def _start(model: dict[str, Any]) -> str:
    base = f"the base model `{model['base']}`"
    return f"the network of `{model['start']}` on {base}" if model.get("start") else base


def _guided(pipe: ImagposePipeline) -> str:
    """How a pipeline is guided by itself."""
    form, interval, scale = (pipe.config.get(f"guidance_{what}") for what in ("form", "interval", "scale"))
    if scale == 1:
        return "folded in"
    return f"`{form}`" + (f" at timesteps from {interval[0]} to {interval[1]}" if interval else " at every step")


def _sampled(model: dict[str, Any]) -> str:
    """How the run's test drew."""
    arguments = model["init_args"]
    steps, scale = arguments["sampling_steps"], arguments["guidance"]["scale"]
    if model["class_path"] != runs.DISTILLATION:
        return f"DDIM {steps}, guidance {scale}"
    sampler = {"consistency": "LCM", "trajectory": "TCD"}.get(arguments["method"], "DDIM")
    return f"{sampler} {steps}, guidance {scale} folded in"


def _figures(metrics: dict[str, float]) -> list[str]:
    rows = []
    for scored in dict.fromkeys(key.split("/")[0] for key in metrics if "/" in key):
        cells = []
        for metric in FIGURE.values():
            key, digits = f"{scored}/{metric.name}", metric.card_digits
            if key not in metrics:
                cells.append("")
                continue
            low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
            interval = f" [{low:.{digits}f}, {high:.{digits}f}]" if low is not None and high is not None else ""
            cells.append(f"{metrics[key]:.{digits}f}{interval}")
        if cells[0]:  # what the protocols measured has no SSIM in the box
            rows.append(f"| {scored} | {' | '.join(cells)} |")
    return rows
