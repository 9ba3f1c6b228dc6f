"""The entry point. Imports a command only when it is called: start-up is a feature."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

import reconciler
from reconciler.cli.exit_codes import ExitCode, exit_code_of
from reconciler.cli.streams import MASKER, masked_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: dict[str, str] = {
    "validate": "Check the files, without network or credentials.",
    "snapshot": "Store the live state, perhaps as known good.",
    "plan": "Show what would change, and why.",
    "apply": "Carry a plan out.",
    "rollback": "Go back to a snapshot.",
    "undo": "Take a run back.",
    "recover": "Settle a run that was cut off.",
    "rotate": "Give a resource a new secret, with an overlap.",
    "revoke": "Let a secret never come back.",
    "confirm": "Say that what a run did is to stay.",
    "freeze": "Let nothing change for a while.",
    "drift": "Tell what changed outside.",
    "diff": "Compare any two of live, desired and snapshots.",
    "import": "Write live objects as desired-state YAML.",
    "check": "Run the declared checks.",
    "history": "List runs, snapshots and labels.",
    "show": "Show a run, a snapshot or a plan.",
    "explain": "Explain a kind or one of its fields.",
    "kinds": "List the kinds of resources.",
    "store": "Copy snapshots and runs to a shared store, or back.",
    "schema": "Write the JSON Schemas.",
    "doctor": "Tell whether everything is ready, and what mends it.",
    "permissions": "List the least rights of the credentials.",
    "sandbox": "Serve imitations of the vendors on loopback.",
    "demo": "Break a shop in the sandbox and roll it back.",
}


class _Commands(click.Group):
    """Loads ``reconciler.cli.<name>`` when the command of that name is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"reconciler.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(reconciler.__version__, message="%(prog)s %(version)s")
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    default=".",
    help="The folder that holds desired_state/ and snapshots/; all paths are relative to it.",
)
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR and TERM=dumb do the same.")
@click.option(
    "--trace",
    metavar="FILE",
    envvar="RECONCILER_TRACE",
    help="Add every request and its answer to FILE as JSON lines, without secrets.",
)
@click.option(
    "-v",
    "verbose",
    count=True,
    help="Say each request on stderr; -vv with bodies, without secrets.",
)
@click.pass_context
def cli(
    ctx: click.Context, directory: str, no_color: bool, trace: str | None, verbose: int
) -> None:
    """Snapshot, diff and roll back the configuration that lives outside the code."""
    ctx.obj = {"directory": directory, "no_color": no_color, "tracer": None}
    if trace or verbose:
        from reconciler.cli.tracing import tracer

        ctx.obj["tracer"] = tracer(ctx, trace or None, verbose)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing that it prints holds a secret.

    Without ``argv`` it is the command of this process, which has nothing unmasked to print until it ends.
    """
    if argv is None:
        _leave_no_core()
    with masked_streams(MASKER, for_good=argv is None):
        return _run(argv)


def _leave_no_core() -> None:
    """Let a crash write no image of the memory, which holds secrets."""
    try:
        import resource
    except ImportError:  # there is none on Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Values here are trees without cycles: looking for some every 700 allocations
    # costs a quarter of the time of a large plan.
    gc.set_threshold(100_000, 50, 50)
    code = int(ExitCode.ERROR)
    try:
        code = _ended(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (``| head``): nothing more can be said. A command that had ended keeps its code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _ended(arguments: list[str]) -> int:
    """Run one command, say what went wrong, and return the exit code."""
    try:
        result: Any = cli.main(arguments, prog_name="reconciler", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        from reconciler.cli.reporting import report_interruption

        report_interruption(arguments)
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last place: nobody is to see a traceback
        from reconciler.cli.reporting import report_error

        report_error(error, arguments)
        return int(exit_code_of(error))
    return int(result) if isinstance(result, int) else int(ExitCode.OK)
