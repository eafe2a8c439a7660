"""How every command behaves: loaded when called, one line per error, the exit codes of docs/contracts.md."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import IO, Any, NoReturn, cast

import click

from rmix_kit.cli.results_alone import results_alone
from rmix_kit.cli.words import EnvironmentType
from rmix_kit.console import LastingStream, standard_error
from rmix_kit.errors import EnvironmentTextError, Interrupted, RmixKitError
from rmix_kit.spelling import suggestion

FAILURE, _USAGE = 1, 2
# Libraries that an extra of the distribution brings.
EXTRAS = {
    "torch": "train",
    "safetensors": "train",
    "tensorboard": "train",
    "onnx": "export",
    "onnxscript": "export",
    "onnxruntime": "runtime",
    "matplotlib": "plot",
    "jinja2": "plot",
    "pygame": "render",
    "ray": "distributed",
    "fsspec": "distributed",
    "wandb": "wandb",
    "mlflow": "mlflow",
}


class Program(click.Command):
    """What a command and a group have in common: readable help, and the end of the process."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help text; indented paragraphs, the examples, stay as they were written."""
        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                if paragraph.startswith(" "):
                    formatter.write(paragraph + "\n")
                else:
                    formatter.write_text(paragraph)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - handed on to click
    ) -> object:
        """Run the command line; in standalone mode end the process with an exit code of docs/contracts.md."""
        call = {"args": args, "prog_name": prog_name or self.name, "complete_var": complete_var, **extra}
        if not standalone_mode:
            return super().main(standalone_mode=False, **call)
        try:
            with ended_by_sigterm():
                code = super().main(standalone_mode=False, obj=_STANDALONE, **call)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except CommandError as error:
            _stop(error.message, error.code)
        except click.ClickException as error:
            _stop(error.format_message() + _advice(error), error.exit_code)
        except (OSError, ValueError) as error:  # while help was printed; a command's own are told above
            if not _is_of_printing(error):
                raise
            _stop(f"{_UNREAD}: {_reason(error)}", FAILURE)
        except click.Abort as error:
            number = signal.SIGTERM if isinstance(error.__cause__, Terminated) else signal.SIGINT
            _stop("interrupted", 128 + number)
        if lost := _what_is_lost():
            _stop(f"{_UNREAD}: {lost}", FAILURE)
        sys.exit(code if isinstance(code, int) else 0)


class KitCommand(Program):
    """A command that knows ``--debug`` and turns every error into one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed on to click
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.",
                         callback=_remember_debug)
        )  # fmt: skip

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; what their values ask for may be missing or broken like anything else."""
        ctx.meta[_COMMAND] = shlex.join([*ctx.command_path.split(), *args])
        with told_in_a_line(ctx, is_debug="--debug" in args):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; with ``--json`` standard output is for its result alone."""
        with told_in_a_line(ctx), _output_of(ctx):
            return super().invoke(ctx)


class KitGroup(KitCommand, click.Group):
    """A command that does something by itself and has others below it."""


@contextlib.contextmanager
def told_in_a_line(ctx: click.Context, *, is_debug: bool = False) -> Iterator[None]:
    """Turn every error into one that is told in one line, unless its traceback was asked for.

    Args:
        ctx: Of the command.
        is_debug: It was, where the command line has not been read so far.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        if is_debug or ctx.find_root().meta.get(_DEBUG):
            raise
        if not isinstance(error, Interrupted) and (interruption := _interruption_behind(error)):
            raise click.Abort from interruption
        code = (
            128 + error.signal if isinstance(error, Interrupted) else _USAGE if _is_of_a_text(ctx, error) else FAILURE
        )
        raise CommandError(_one_line(error, resumes="resume" in ctx.params), code) from error


class Terminated(KeyboardInterrupt):
    """SIGTERM came: whoever clears up at Ctrl-C does so too."""


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does; commands that end in their own order set handlers of theirs."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_of_a_text(ctx: click.Context, error: Exception) -> bool:
    """Return whether an environment text that was typed is wrong: its form is looked at first, what it names later."""
    typed = (p.name for p in ctx.command.params if isinstance(p.type, EnvironmentType))
    return isinstance(error, EnvironmentTextError) and any(ctx.params.get(str(name)) for name in typed)


def _interruption_behind(error: BaseException) -> KeyboardInterrupt | None:
    """Return the interruption that an error came of: Python 3.11 wraps one that meets it while it makes a class."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, KeyboardInterrupt):
        behind = behind.__cause__ or behind.__context__
    return behind


class CommandError(click.ClickException):
    """An error with its exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class LazyGroup(Program, click.Group):
    """A group whose commands are modules, imported when they are asked for."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - handed to click
        modules: dict[str, str],
        old_names: dict[str, str],
        **kwargs: Any,  # noqa: ANN401 - handed to click
    ) -> None:
        super().__init__(*args, **kwargs)
        self._modules, self._old_names = modules, old_names
        self.params.append(
            click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.",
                         callback=_remember_debug)
        )  # fmt: skip

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of a user's work."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self._modules:
            return None
        with told_in_a_line(ctx):  # a command's module may need what an extra brings
            command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments name, by an old name too; suggest the nearest for a misspelt one."""
        args = [self._old_names.get(args[0], args[0]), *args[1:]] if args else args
        if args and args[0] not in self._modules and not args[0].startswith("-"):
            raise click.UsageError(
                f"there is no command {args[0]!r}; commands are {', '.join(self._modules)}"
                f"{suggestion(args[0], self._modules)}",
                ctx,
            )
        return super().resolve_command(ctx, args)


_DEBUG = "rmix_kit.debug"
_COMMAND = "rmix_kit.command"
_PRINTERS = "click.utils", "rich.console"  # modules of `click.echo` and of tables
_UNREAD = "standard output cannot be written"
_STANDALONE = "the process ends with the command"


def _output_of(ctx: click.Context) -> contextlib.AbstractContextManager[None]:
    """Say what becomes of standard output while a command runs."""
    if not ctx.params.get("as_json"):
        return contextlib.nullcontext()
    return results_alone(ctx, is_last=ctx.find_root().obj is _STANDALONE)


def command_line(ctx: click.Context) -> str:
    """Return a command as it was given, to be typed again."""
    return str(ctx.meta[_COMMAND])


def _remember_debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta[_DEBUG] = True


def _what_is_lost() -> str:
    """Bring results to who asked for them; say why they cannot be, and let Python not try again at the end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        LastingStream(sys.stdout).lose()
        return _reason(error)
    return ""


def _is_of_printing(error: Exception) -> bool:
    """Return whether an error came while a result was printed; remarks on standard error raise none."""
    modules = {frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)}
    return isinstance(error, OSError | ValueError) and not modules.isdisjoint(_PRINTERS)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _stop(message: str, code: int) -> NoReturn:
    _what_is_lost()
    click.echo(f"Error: {' '.join(message.split())}", file=cast(IO[str], standard_error()))
    sys.exit(code)


def _advice(error: click.ClickException) -> str:
    """Point to the help of the command whose usage was wrong."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    return f" (see {error.ctx.command_path} --help)"


def _own_errors() -> tuple[type[Exception], ...]:
    """Return the root errors of the packages: their text is written for the user."""
    from exporters.errors import ExportError
    from macn.errors import MACNError

    return RmixKitError, ExportError, MACNError


def _one_line(error: Exception, *, resumes: bool = False) -> str:
    """Say what went wrong.

    Args:
        error: What a command let out.
        resumes: The command takes up what it left with ``--resume``.
    """
    from rmix_kit.files.writing import no_room

    missing = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if missing in EXTRAS:
        return f"this needs {missing}; install it with: pip install 'rmix-kit[{EXTRAS[missing]}]'"
    if isinstance(error, _own_errors()):
        return str(error)
    if _is_of_printing(error):
        return f"{_UNREAD}: {_reason(error)}"
    if isinstance(error, OSError) and error.strerror:
        if error.filename and (reason := no_room(error)):
            again = "again with --resume" if resumes else "again"
            return f"{error.filename} could not be written: {reason}; make room and give the command {again}"
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"unexpected {type(error).__name__}: {error}; run it again with --debug to see where"
