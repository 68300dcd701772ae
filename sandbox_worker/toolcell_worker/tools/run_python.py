"""
Runs Python code in the cell.

Theory of operation.  The cell is single-use, so the code runs in this very process, as its
`__main__`: no second interpreter has to start, and the tool needs no right to fork.  The code can
do whatever this process can, and that is what the walls are for; nothing here protects anything.
What it prints streams live and is also kept, within bounds, for the result.  An exception ends the
code, not the tool; but one that shows a limit ends the execution, so that the limit is named.
"""

from __future__ import annotations

import linecache
import os
import sys
import tempfile
import threading
import traceback
import types
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from toolcell_worker import Context, ToolError, limits, tool
from toolcell_worker.binary import Base64, pack, unpack
from toolcell_worker.capture import Capture, tee

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "<code>"
PIPE_BYTES = 64 * 1024
_kept: list[types.ModuleType] = []  # of a stateful cell: whose globals the next call goes on with
MAXIMUM_COLLECTED_BYTES = 2**20  # arbitrary; all files together, before encoding


class PythonResult(msgspec.Struct, kw_only=True):
    """
    What the code left.  `exit_code` is 0 if it ran to its end, 1 after an uncaught exception,
    which is then on `stderr`.  `files` are the collected ones, `not_collected` says why the others
    are missing.
    """

    stdout: str
    stderr: str
    exit_code: int
    truncated: bool
    files: dict[str, str | Base64]
    not_collected: dict[str, str]


@tool(
    title="Run Python code",
    category="code",
    tags=["python", "code", "compute"],
    effects="read_only",
    profile="compute",
    workspace="write",
    stateful=True,
)
def run_python(
    code: str,
    context: Context,
    stdin: str = "",
    files: dict[str, str | Base64] | None = None,
    collect: list[str] | None = None,
    *,
    stateful: bool = False,
) -> PythonResult:
    """
    Run Python code in a fresh, isolated interpreter and return what it prints.

    There is no network, no other programs, and nothing of this computer's files; only a working
    directory: that of the session, which keeps its files between calls, or without a session a
    temporary one that is gone afterwards. Print what you want to see.

    Args:
        code: A complete program; the standard library is there.
        stdin: Text on standard input.
        files: Files to put into the working directory first, by name; a value is text, or
            {"base64": "…"} for bytes.
        collect: Names of files in the working directory to return.
        stateful: In a session, go on with the variables, functions and imports of the calls
            before that were stateful, too.

    Returns:
        Standard output, standard error, exit code, and the collected files.
    """
    for name, content in (files or {}).items():
        _place(context.directory, name, unpack(content))
    _set_stdin(stdin)
    stdout, stderr = Capture(), Capture()
    sys.stdout, sys.stderr = tee(1, stdout), tee(2, stderr)
    try:
        exit_code = _run(code, context, stateful=stateful)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    collected, missing = _collect(context.directory, collect or [])
    return PythonResult(
        stdout=stdout.text(),
        stderr=stderr.text(),
        exit_code=exit_code,
        truncated=stdout.truncated or stderr.truncated,
        files=collected,
        not_collected=missing,
    )


def _run(code: str, context: Context, *, stateful: bool) -> int:
    """
    Run the code as `__main__`, its threads included unless it is stateful: then they go on with the
    next call.  The exit code.
    """
    main = _kept[0] if stateful and _kept else _new_main(context)
    if stateful:
        _kept[:] = [main]
    # Without a time of modification it is never looked for on disk.
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    exit_code = _ending(lambda: _execute(code, main), context)
    for thread in () if stateful else threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    return exit_code


def _new_main(context: Context) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__dict__["__file__"] = FILE
    sys.modules["__main__"] = main
    sys.argv = [FILE]
    sys.path.insert(0, str(context.directory))
    return main


def _execute(code: str, main: types.ModuleType) -> None:
    exec(compile(code, FILE, "exec", dont_inherit=True), main.__dict__)  # noqa: S102  # the purpose


def _ending(body: Callable[[], None], context: Context) -> int:
    """
    Run `body` as the interpreter would run a program.

    Raises:
        BaseException: a limit ended it; the caller names it.
    """
    try:
        body()
    except SystemExit as exc:
        if exc.code is None or isinstance(exc.code, int):
            return (exc.code or 0) & 0xFF
        sys.stderr.write(f"{exc.code}\n")
        return 1
    except BaseException as exc:
        if limits.exceeded(exc):
            raise
        context.report_denials(exc)
        _print_traceback(exc)
        return 1
    return 0


def _print_traceback(exc: BaseException) -> None:
    """
    Print it from the first frame of the code on: those before are ours.
    """
    step = exc.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename != FILE:
        step = step.tb_next
    exc.__traceback__ = step
    traceback.print_exception(exc)


def _set_stdin(text: str) -> None:
    """
    Make `text` the standard input: a file, or a pipe as far as it fits into one (pipe(7)) where a
    bare cell has no place for a file.
    """
    data = text.encode("utf-8", "replace")
    try:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            os.dup2(file.fileno(), 0)
    except FileNotFoundError:
        if len(data) > PIPE_BYTES:
            raise
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        os.dup2(read, 0)
        os.close(read)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # a descriptor


def _place(directory: Path, name: str, content: bytes) -> None:
    path = directory / _relative(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _collect(directory: Path, names: list[str]) -> tuple[dict[str, str | Base64], dict[str, str]]:
    found: dict[str, str | Base64] = {}
    missing: dict[str, str] = {}
    room = MAXIMUM_COLLECTED_BYTES
    for name in names:
        path = directory / _relative(name)
        if not path.is_file():  # a fifo would never end
            missing[name] = "the code wrote no such file"
            continue
        with path.open("rb") as file:
            content = file.read(room + 1)
        if len(content) > room:
            missing[name] = (
                f"too large: all files together may have {MAXIMUM_COLLECTED_BYTES} bytes"
            )
            continue
        found[name] = pack(content)
        room -= len(content)
    return found, missing


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ToolError(
            f"the file name {name!r} leaves the working directory",
            code="BAD_NAME",
            category="user",
            hint="Use relative names without ..",
        )
    return path
