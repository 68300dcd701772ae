"""
The command `toolcell`: flags, and the translation of every ending into an exit code.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from toolcell_client.cli import (
    approvals,
    batch,
    call,
    cancel,
    confirming,
    connecting,
    exporting,
    host,
    mcp,
    programs,
    ps,
    sessions,
    token,
    tools,
    watch,
    workflow,
)
from toolcell_client.cli.exits import Exit, Terminated, UsageError
from toolcell_client.cli.screen import RED, Screen
from toolcell_client.errors import (
    ApprovalRequired,
    CallRefused,
    CallTimedOut,
    ContractBroken,
    ServerUnreachable,
)

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn

PROGRAMS = {"serve": programs.SERVE, "doctor": programs.DOCTOR, "audit": programs.AUDIT}


def run(arguments: list[str] | None = None) -> int:
    """
    Run the command line; returns the exit code.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _perform(arguments)
    except (Exception, KeyboardInterrupt, Terminated) as exc:
        if os.environ.get("TOOLCELL_TRACEBACK"):
            raise
        return _ended_by(exc)


def _ended_by(error: BaseException) -> int:
    """
    Say what went wrong, and how to mend it; a traceback helps nobody at a command line.
    """
    match error:
        case BrokenPipeError():
            return _pipe_closed()
        case CallRefused():
            return _refused(error)
        case UsageError():
            return _complain(str(error), Exit.USAGE)
        case ServerUnreachable():
            return _complain(_unreachable(error), Exit.UNREACHABLE)
        case CallTimedOut():
            return _complain(str(error), Exit.TIMED_OUT)
        case KeyboardInterrupt():
            return _complain("interrupted", Exit.INTERRUPTED)
        case Terminated():
            return _complain("terminated", Exit.TERMINATED)
        case ContractBroken():
            return _complain(f"{error}; is the server of another version?", Exit.INTERNAL)
    said = f"{type(error).__name__}: {error}"
    return _complain(f"{said} (please report it; TOOLCELL_TRACEBACK=1 shows where)", Exit.INTERNAL)


def _perform(arguments: list[str]) -> int:
    if arguments and arguments[0] in PROGRAMS:
        programs.become(PROGRAMS[arguments[0]], arguments[1:])
    if arguments[:2] == ["tools", "validate"]:
        programs.become(programs.VALIDATE, arguments[2:])
    options = _parsed(arguments)
    if "alone" in options:
        code: Exit = options.alone(options)
    else:
        with connecting.client(options) as client:
            code = options.run(client, options)
    sys.stdout.flush()
    return code


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    # argparse gives up on KEY=VALUE that follows a flag; they are taken wherever they stand.
    if rest and not ("pairs" in options and not any(each.startswith("-") for each in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.pairs = [*options.pairs, *rest]
    return options


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    connecting.add(common)
    common.add_argument("--json", action="store_true", help="JSON, also on a terminal")
    parser = argparse.ArgumentParser(
        prog="toolcell",
        description="Runs tools, each in a fresh cell, on a toolcell server.",
        epilog="exit codes: 0 ok, 1 tool failed, 2 usage, 3 unreachable, 4 refused, 124 timeout,"
        " 130 interrupted",
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="print it and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("serve", add_help=False, help="start a server here")
    for command in (
        *(
            call,
            batch,
            workflow,
            tools,
            watch,
            cancel,
            ps,
            approvals,
            sessions,
            token,
            host,
            exporting,
            mcp,
        ),
    ):
        command.add(commands, common)
    commands.add_parser("doctor", add_help=False, help="check what this host can isolate")
    commands.add_parser("audit", add_help=False, help="verify and search an audit log")
    return parser


class _ShowVersion(argparse.Action):
    """
    Looks the version up only when it is asked for; that takes longer than all other flags.
    """

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"toolcell {version('toolcell')}\n")
        parser.exit()


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  # signal's
    raise Terminated


def _unreachable(error: ServerUnreachable) -> str:
    execution_id = getattr(error, "execution_id", "")
    if execution_id:
        return f"{error}; it may still run: toolcell watch {execution_id}"
    if type(error) is ServerUnreachable and str(error).startswith("no toolcell server"):
        return f"{error}; start one with: toolcell serve"
    return str(error)


def _refused(refused: CallRefused) -> int:
    screen = Screen.of_stderr()
    screen.line(f"toolcell: refused: {refused}", RED)
    for violation in refused.violations:
        screen.line(f"  {violation.field}: {violation.description}")
    if refused.hint and refused.hint.rstrip(".").lower() not in str(refused).lower():
        screen.line(f"hint: {refused.hint}")
    if isinstance(refused, ApprovalRequired):
        for line in confirming.how_to_go_on(refused):
            screen.line(line)
    return Exit.REFUSED


def _complain(text: str, code: Exit) -> int:
    with contextlib.suppress(OSError):  # stderr may be closed as well
        Screen.of_stderr().line(f"toolcell: {text}", RED)
    return code


def _pipe_closed() -> int:
    # What is buffered cannot be written; without this, Python would complain at exit.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.PIPE_CLOSED
