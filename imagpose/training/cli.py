"""Lightning's command line over experiment files and run folders."""

from __future__ import annotations

import errno
import signal
import sys
from argparse import ArgumentError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace
from lightning import Trainer
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import LambdaCallback
from lightning.pytorch.cli import LightningArgumentParser

from imagpose.errors import InputError
from imagpose.options import trust
from imagpose.options.parse_errors import sentence
from imagpose.options.program import program
from imagpose.options.trainer import SHARDED
from imagpose.output.files import write_whole
from imagpose.training import claims, runs
from imagpose.training.checkpoint_io import CheckpointFiles
from imagpose.training.claims import Claim
from imagpose.training.composing import experiment_name
from imagpose.training.divergence import Divergence
from imagpose.training.drawn_root import check_set
from imagpose.training.experiment import ExperimentCLI, completed, words_of
from imagpose.training.forget import ForgetUnsaved
from imagpose.training.help_pages import ABOUT, show_help
from imagpose.training.lines import ProgressLines
from imagpose.training.precision import spare_emulation
from imagpose.training.steps import CountSteps, StepLogger
from imagpose.training.stop import StopOnSignal
from imagpose.training.stopping import Stopped, Stopper, resuming_command

REID = "reid"
"""The table whose rows are of re-identification."""


def add_run_options(parser: LightningArgumentParser) -> None:
    """Add the options that say which run, and where its results go."""
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of all runs")
    parser.add_argument("--new", type=bool, default=False, help="start another run instead of resuming")
    parser.add_argument("--name", type=str | None, default=None, help="of the run; default: its last experiment's")
    parser.add_argument(
        "--folder", type=Path | None, default=None, help="the run's folder; fit resumes it instead of choosing one"
    )
    parser.add_argument(
        "--table", type=list[str], default=[], help="tables of the paper to put the test's results into as a row"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the tables")
    parser.add_argument("--trust", type=list[str], default=[], help=trust.HELP)


class RunCLI(ExperimentCLI):
    """``fit`` trains or resumes a run and tests it; ``validate`` and ``test`` look at a run's checkpoint.

    Args:
        stopper: Knows whether a signal came.
        typed: Words of the command line as its user gave them.
    """

    def __init__(self, stopper: Stopper, typed: Sequence[str], **kwargs: Any) -> None:
        self._stopper, self._words = stopper, typed
        self._claim: Claim | None = None
        try:
            super().__init__(**kwargs)
        except BaseException:
            self._end_other_processes()
            self._tell_what_is_left()
            raise
        finally:
            if self._claim is not None:
                self._claim.release()

    def setup_parser(self, *args: Any) -> None:
        """Name the program as it is called, which the parser takes for a file of its own."""
        super().setup_parser(*args)
        for command, parser in self._subcommand_parsers.items():
            parser.prog = f"{program()} {command}"

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add where runs are kept."""
        add_run_options(parser)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and refuse a checkpoint beside the run's own, whose options would silently win over these."""
        super().parse_arguments(parser, args)
        if (path := self.config[self.config.subcommand].get("ckpt_path")) is not None:
            raise InputError(
                f"--ckpt_path {path} cannot be given, since a run has its own; name the run with --folder instead."
            )

    def before_instantiate_classes(self) -> None:
        """Choose the run, its logger and the checkpoint to continue from."""
        assert self.subcommand is not None
        config = self.config[self.subcommand]
        parser = self._parser(self.subcommand)
        dumped = yaml.safe_load(parser.dump(config, skip_none=False, skip_check=True))
        options = {key: dumped[key] for key in trust.GROUPS if key in dumped}
        if self.subcommand == "fit":
            check_set(config)
            experiment = experiment_name(config.config or [])
            name = runs.check_name(config.name or experiment, "--name" if config.name else "The experiment")
            self.run, self._claim = claims.begin(claims.Asked(config.runs, name, config.folder, config.new))
            if self.run.last.exists() and not config.new:  # a process that is not the first may see the run before
                known = [*config.trust, *trust.dotted_texts(options)]  # the experiment is its user's own
                runs.check_unchanged(self.run, options, known, lambda stored: self._completed(parser, stored))
                config.ckpt_path = str(self.run.last)
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
        spare_emulation(config.trainer)
        ours = [Namespace(class_path="imagpose.callbacks.board.Board")] if self.subcommand == "fit" else []
        if config.table:
            ours.append(self._row(config))
        config.trainer.callbacks = [*(config.trainer.callbacks or []), *ours]

    def _row(self, config: Namespace) -> Namespace:
        """The callback that writes the run's row; like those of an experiment, it is named and not imported."""
        seed = int(config.seed_everything)
        experiment = self.run.experiment.removesuffix(f"-seed{seed}")
        arguments = {"experiment": experiment, "seed": seed, "tables": config.table, "results": config.results}
        kind = "reid.ReidRow" if config.table == [REID] else "row.TableRow"
        return Namespace(class_path=f"imagpose.callbacks.{kind}", init_args=Namespace(arguments))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer logs into the run's folder, saves there, and stops at a signal."""
        assert self.subcommand is not None
        step = None if self._claim is None else self._claim.step  # other processes log nothing
        logger = StepLogger(
            str(self.run.root), self.run.experiment, self.run.version, default_hp_metric=False,
            purge_step=None if step is None else step + 1,  # what was logged after the checkpoint is logged again
        )  # fmt: skip
        trainer = super().instantiate_trainer(**{**kwargs, "logger": logger})
        logger.trainer = trainer
        callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
        callbacks.insert(0, Divergence(self.run.last))
        if not sys.stdout.isatty():
            if trainer.progress_bar_callback is not None:
                trainer.progress_bar_callback.disable()  # of a bar, nothing but its end would be seen
            if trainer.is_global_zero:
                callbacks.append(ProgressLines())
        self._files = CheckpointFiles()
        if self.subcommand == "fit":
            callbacks.insert(0, CountSteps())
            callbacks += [ForgetUnsaved(self._files), StopOnSignal(self._stopper, self.run.last)]
        # Strategies of shards write their own way, and another plugin is somebody's wish.
        if not isinstance(trainer.strategy, SHARDED) and type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = self._files
        return trainer

    def before_fit(self) -> None:
        """Keep the options, once a step can be taken with them: what is refused before leaves the run as it was."""

        def keep(*args: Any) -> None:
            write_whole(self.run.config, yaml.safe_dump(self._options, sort_keys=False))

        if self.trainer.is_global_zero and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            self.trainer.callbacks.append(LambdaCallback(on_train_start=keep))  # type: ignore[attr-defined]

    def _completed(self, parser: LightningArgumentParser, options: dict[str, Any]) -> dict[str, Any]:
        """The run's options with the defaults of those that there were not yet when it was started."""
        try:
            return completed(parser, options)
        except ArgumentError as error:
            raise InputError(
                f"{self.run.config} is damaged, or of another version of imagpose ({sentence(error).rstrip('.')}); "
                "start another run with RUN=new."
            ) from error

    def after_fit(self) -> None:
        """Test what was trained and complete the run."""
        if self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            if self._claim is not None and not self.run.last.exists():
                self._claim.withdraw()
            print("The trial went through; nothing of it is kept (trainer.fast_dev_run).")
            return
        self.trainer.save_checkpoint(self.run.last)
        if failure := self.trainer.strategy.broadcast(self._files.failure):
            raise InputError(
                f"{self.run.last} could not be saved after the last step ({failure}); the checkpoint before it is "
                "kept: make room, and the same command goes on from there."
            )
        if self.trainer.strategy.reduce_boolean_decision(self._stopper.asked is not None, all=False):
            self._stopper.asked = self._stopper.asked or signal.SIGTERM  # it came to another process
        self._stopper.check()
        self.trainer.test(self.model, datamodule=self.datamodule, verbose=False, weights_only=True)
        if not self.trainer.is_global_zero:
            return
        if 0 < (steps := self.trainer.global_step) < self.trainer.max_steps:
            print(f"Trained were {steps} of the {self.trainer.max_steps} steps of trainer.max_steps.")
        if self.trainer.limit_test_batches == 0:
            print("Nothing was tested, as trainer.limit_test_batches is 0; make evaluate-run does it.")
        self._write(self.run.metrics, {**self._metrics(), "steps": float(self.trainer.global_step)})
        print(
            f"The run is in {self.run.folder}: results in metrics.json, pictures of its validations in panels/; "
            "make tensorboard shows the rest."
        )

    def after_test(self) -> None:
        """Write the results beside those of the run itself: the checkpoint may be of an unfinished run."""
        if not self.trainer.is_global_zero:
            return
        path = self.run.folder / "evaluation.json"
        self._write(path, self._metrics())
        print(f"The results are in {path}.")

    def _write(self, path: Path, metrics: dict[str, float]) -> None:
        if left_out := runs.write_metrics(path, metrics):
            print(f"Left out of {path.name}, since they are no finite numbers: {', '.join(left_out)}.")

    def _metrics(self) -> dict[str, float]:
        return {key: float(value) for key, value in self.trainer.callback_metrics.items()}

    def _end_other_processes(self) -> None:
        """End the processes that this one launched: they would wait for it for ever."""
        trainer: Trainer | None = getattr(self, "trainer", None)  # there is none where it cannot be built
        if trainer is not None and trainer.strategy.launcher is not None:
            trainer.strategy.launcher.kill(signal.SIGKILL)

    def _tell_what_is_left(self) -> None:
        """After a failure or a signal: from where the run can be resumed, and by which command."""
        trainer: Trainer | None = getattr(self, "trainer", None)
        step = trainer.global_step if trainer is not None else 0
        run = self._claim.run if self._claim is not None else None
        saved = run is not None and run.last.exists()
        if self._claim is not None and not step and not saved:
            self._claim.withdraw()
        if self._stopper.asked is None or not claims.is_first_process():
            return
        if run is None or not (step or saved):
            print("Stopped; there is nothing to resume.", file=sys.stderr)
        elif not saved:
            print(f"Stopped at step {step}, of which nothing could be saved.", file=sys.stderr)
        else:
            try:
                found = runs.check_checkpoint(run.last)
            except InputError:  # the next start says what is wrong with it
                found = None
            at = f" at step {step}" if step else ""
            where = "its last checkpoint" if found is None else f"step {found}"
            print(f"Stopped{at}. {run.folder} is resumed from {where} by:", file=sys.stderr)
            print(f"  {resuming_command(self._words, run.folder)}", file=sys.stderr)


def run(args: Sequence[str]) -> None:
    """Parse and carry out ``fit``, ``validate`` or ``test``.

    An experiment that is fitted is its user's own code. What is looked at may come from a stranger.

    Args:
        args: Words of the command line, from the command on.

    Raises:
        Finished: There is nothing left to do.
        InputError: Something the user gave cannot be used, or the disk is full.
        Stopped: Ctrl-C or SIGTERM came; it carries the exit code.
    """
    command, *words = args
    show_help(command, ABOUT[command], words, add_run_options)
    words = words_of(words)
    if command != "fit":
        trust.check_files(words)
    with Stopper() as stopper:
        try:
            RunCLI(
                args=[command, *words],
                typed=args,
                stopper=stopper,
                seed_everything_default=0,
                auto_configure_optimizers=False,
            )
        except Exception as error:
            if stopper.asked is not None:  # a worker that the same signal ended, say
                raise Stopped(stopper.asked) from error
            if isinstance(error, MisconfigurationException):
                reason = " ".join(str(error).split()).rstrip(".")
                raise InputError(f"Lightning refuses these options ({reason}); mend the experiment.") from error
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(
                    f"The disk is full ({error.filename or error.strerror}); make room, and the same command goes on "
                    "from the last checkpoint."
                ) from error
            raise
