"""Lightning's command line over experiment files and run folders."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from lightning import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger

from imagpose import runs, trust
from imagpose.errors import InputError


class Finished(Exception):  # noqa: N818 - no error
    """There is nothing left to do; the message says where the results are."""


class RunCLI(LightningCLI):
    """``fit`` trains or resumes a run and tests it; ``validate`` and ``test`` look at a run's checkpoint."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add where runs are kept."""
        parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs")
        parser.add_argument("--new", type=bool, default=False, help="start another run instead of resuming")
        parser.add_argument("--name", type=str | None, default=None, help="of the run; default: its last experiment's")
        parser.add_argument(
            "--table", type=list[str], default=[], help="tables of the paper to put the test's results into as a row"
        )
        parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the tables")
        parser.add_argument("--folder", type=Path | None, default=None, help="validate, test: the run's folder")
        parser.add_argument("--trust", type=list[str], default=[], help=trust.HELP)

    def before_instantiate_classes(self) -> None:
        """Choose the run, its logger and the checkpoint to continue from."""
        assert self.subcommand is not None
        config = self.config[self.subcommand]
        parser = self._parser(self.subcommand)
        dumped = yaml.safe_load(parser.dump(config, skip_none=False, skip_check=True))
        options = {key: dumped[key] for key in trust.GROUPS if key in dumped}
        if self.subcommand == "fit":
            files = [Path(str(path)) for path in config.config or []]
            if not files:
                raise InputError("fit needs an experiment file: -c experiments/_base.yaml -c experiments/tiny.yaml.")
            named = [path for path in files if path.parent.name != "overlays"]
            name = runs.check_name(config.name or named[-1].stem, "--name" if config.name else named[-1])
            self.run = runs.choose(config.runs, name, config.new)
            if self.run.complete:
                raise Finished(
                    f"The run in {self.run.folder} is finished; its results are in {self.run.metrics}. "
                    "RUN=new starts another."
                )
            if self.run.last.exists():
                known = [*config.trust, *trust.dotted_texts(options)]  # the experiment is its user's own
                runs.check_unchanged(self.run, options, known, lambda stored: _completed(parser, stored))
                runs.check_checkpoint(self.run.last)
                config.ckpt_path = str(self.run.last)
                print(f"Resuming {self.run.folder}.")
            self._options = options
        else:
            if config.folder is None:
                raise InputError(f"{self.subcommand} needs a run: --folder runs/tiny/version_0.")
            self.run = runs.from_folder(config.folder)
            runs.check_checkpoint(self.run.last)
            config.ckpt_path = str(self.run.last)
            config.verbose = False  # the callbacks print what is worth reading
        config.weights_only = True  # nothing is unpickled
        config.trainer.use_distributed_sampler = False  # the loaders number their samples themselves
        config.trainer.logger = None

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer logs into the run's folder."""
        logger = TensorBoardLogger(str(self.run.root), self.run.experiment, self.run.version, default_hp_metric=False)
        trainer = super().instantiate_trainer(**{**kwargs, "logger": logger})
        config = self.config[self.subcommand]
        if config.table:
            from callbacks.row import TableRow  # and with it what draws tables, which few runs need

            seed = int(config.seed_everything)
            experiment = self.run.experiment.removesuffix(f"-seed{seed}")
            trainer.callbacks.append(TableRow(experiment, seed, config.table, config.results))  # type: ignore[attr-defined]
        return trainer

    def before_fit(self) -> None:
        """Keep the options, once everything could be built from them."""
        if self.trainer.is_global_zero:
            runs.write_atomically(self.run.config, yaml.safe_dump(self._options, sort_keys=False))

    def after_fit(self) -> None:
        """Test what was trained and complete the run."""
        if self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self.trainer.save_checkpoint(self.run.last)
        self.trainer.test(self.model, datamodule=self.datamodule, verbose=False, weights_only=True)
        if not self.trainer.is_global_zero:
            return
        runs.write_metrics(self.run.metrics, {**self._metrics(), "steps": float(self.trainer.global_step)})
        print(
            f"The run is in {self.run.folder}: results in metrics.json, pictures of its validations in panels/; "
            "make tensorboard shows the rest."
        )

    def after_test(self) -> None:
        """Write the results beside those of the run itself: the checkpoint may be of an unfinished run."""
        if not self.trainer.is_global_zero:
            return
        path = self.run.folder / "evaluation.json"
        runs.write_metrics(path, self._metrics())
        print(f"The results are in {path}.")

    def _metrics(self) -> dict[str, float]:
        return {key: float(value) for key, value in self.trainer.callback_metrics.items()}


def _completed(parser: LightningArgumentParser, options: dict[str, Any]) -> dict[str, Any]:
    """A run's options with the defaults of those that there were not yet when it was started."""
    parsed = parser.parse_object(options)
    return yaml.safe_load(parser.dump(parsed, skip_none=False, skip_check=True))


def quiet() -> None:
    """Silence warnings that tell a user nothing."""
    for harmless in (
        "LightningCLI's args parameter is intended",  # we pass exactly what the user typed
        "Found .* module.s. in eval mode",  # frozen modules are, on purpose
        "Precision .* is not supported by the model summary",
        ".*isinstance.treespec.*",
        ".*does not have many workers",
        ".*is smaller than the logging interval",
        ".*weights_only. was not set",
    ):
        warnings.filterwarnings("ignore", harmless)


def run(args: Sequence[str]) -> None:
    """Parse and carry out ``fit``, ``validate`` or ``test``.

    An experiment that is fitted is its user's own code. What is looked at may come from a stranger.
    """
    quiet()
    if args[0] != "fit":
        trust.check_files(args)
    RunCLI(
        LightningModule,
        LightningDataModule,
        args=trust.fold(args),
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_callback=None,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        parser_kwargs={"exit_on_error": False},  # main() says it in one sentence
    )
