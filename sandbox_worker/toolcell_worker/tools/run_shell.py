"""
Runs a shell command in the cell.  Off unless the operator sets `run_shell`: a shell can start any
program that the runtime holds.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile

import msgspec

from toolcell_worker import Context, tool
from toolcell_worker.capture import Capture
from toolcell_worker.pump import pump

SHELL = "/bin/sh"


class ShellResult(msgspec.Struct, kw_only=True):
    """
    What the command left.  `exit_code` is 128 + number if a signal ended it, which `signal` names.
    """

    stdout: str
    stderr: str
    exit_code: int
    signal: str
    truncated: bool


@tool(
    title="Run a shell command",
    category="code",
    tags=["shell", "command"],
    effects="destructive",
    profile="subprocess",
    workspace="write",
    option="run_shell",
)
def run_shell(command: str, context: Context, stdin: str = "") -> ShellResult:
    """
    Run a command with /bin/sh in an isolated environment and return what it prints.

    There is no network and nothing of this computer's files; only the system's programs and a
    working directory: that of the session, which keeps its files between calls, or without a
    session a temporary one that is gone afterwards.

    Args:
        command: A POSIX shell command, pipes and several lines included.
        stdin: Text on standard input.

    Returns:
        Standard output, standard error and exit code.
    """
    stdout, stderr = Capture(), Capture()
    with tempfile.TemporaryFile() as file:
        file.write(stdin.encode("utf-8", "replace"))
        file.seek(0)
        process = subprocess.Popen(
            [SHELL, "-c", command],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=context.directory,
            bufsize=0,
        )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        routes = {
            process.stdout.fileno(): (1, stdout),
            process.stderr.fileno(): (2, stderr),
        }
        pump(process, routes)
    code = process.returncode
    return ShellResult(
        stdout=stdout.text(),
        stderr=stderr.text(),
        exit_code=code if code >= 0 else 128 - code,
        signal=signal.Signals(-code).name if code < 0 else "",
        truncated=stdout.truncated or stderr.truncated,
    )
