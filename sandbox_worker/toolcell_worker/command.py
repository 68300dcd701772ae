"""
A command as a tool: any program, in any language, run inside the cell.

Theory of operation.  The cell is already enclosed; the command is an ordinary child of the tool's
process and inherits every wall.  It gets its input as a file that no longer has a name, so that
neither side waits for the other over two pipes.  Of its output we read at most as much as a result
may have, and never to the end of file alone: a grandchild may hold the pipe for ever.
Standard error is the cell's own and streams live; with `result = "fd3"` so does standard output.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from toolcell_worker import template_arguments
from toolcell_worker.definition import decode
from toolcell_worker.errors import CommandFailed, ResultInvalid, ResultTooLarge, ToolError
from toolcell_worker.outlet import UNLIMITED

if TYPE_CHECKING:
    from toolcell_worker.context import Context

RESULT_DESCRIPTOR = 3
CHUNK_BYTES = 64 * 1024
FIRST_LINE_BYTES = 256  # what the kernel reads of it (BINPRM_BUF_SIZE)
LINGERING_MILLISECONDS = (
    50  # how often to look whether the command has ended and left the pipe open
)


@dataclass(frozen=True, slots=True)
class CommandTool:
    """
    How a command is called: `argv` and `stdin` are templates, `result` says where it answers.
    `folder` holds its manifest.
    """

    manifest: dict[str, Any]
    argv: tuple[str, ...]
    stdin: str
    result: str
    folder: str

    def call(self, arguments: bytes | dict[str, Any], context: Context) -> Any:
        """
        Run the command.

        Returns:
            Its answer: a JSON value, or with `result = "text"` what it printed.

        Raises:
            CommandFailed: it exited with another code than 0, or a signal ended it.
            ResultTooLarge: it printed more than a result may have.
            ResultInvalid: what it printed is not JSON.
        """
        given = _with_defaults(decode(arguments), self.manifest["parameters"])
        argv = template_arguments.fill([*self.argv], given)
        maximum = int(context.limits.get("result_bytes", UNLIMITED))
        with self._input(given) as stdin:
            output = _run(argv, stdin, maximum, descriptor=3 if self.result == "fd3" else 1)
        if self.result == "text":
            return output.decode("utf-8", "replace")
        return _parse(output, "descriptor 3" if self.result == "fd3" else "standard output")

    def check_result(self, encoded: bytes) -> None:
        """
        Nothing: what a command declares is a schema, which the server checks.
        """

    def _input(self, given: dict[str, Any]) -> IO[bytes]:
        if self.stdin == "none":
            return open(os.devnull, "rb")  # noqa: PTH123  # the caller closes it
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        if self.stdin == "json":
            file.write(msgspec.json.encode(given))
        else:
            file.write(template_arguments.fill_text(self.stdin, given).encode())
        file.seek(0)
        return file


def _with_defaults(given: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {}).items()
    defaults = {n: p["default"] for n, p in properties if isinstance(p, dict) and "default" in p}
    return {**defaults, **given}


def _run(argv: list[str], stdin: IO[bytes], maximum: int, descriptor: int) -> bytes:
    """
    What the command wrote on `descriptor` (1 or 3), at most `maximum` bytes.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with open(reading, "rb", buffering=0) as source:  # noqa: PTH123  # a descriptor
        try:
            process = _start(argv, stdin, writing, descriptor)
        except FileNotFoundError:
            raise not_started(argv[0]) from None
        finally:
            os.close(writing)
        with process:
            try:
                output = _read(source.fileno(), process, maximum)
            except BaseException:
                process.kill()
                raise
    _check_ending(process.returncode)
    return output


def _start(
    argv: list[str], stdin: IO[bytes], writing: int, descriptor: int
) -> subprocess.Popen[bytes]:
    if descriptor == 1:
        return subprocess.Popen(argv, stdin=stdin, stdout=writing)

    def place() -> None:
        os.dup2(writing, RESULT_DESCRIPTOR)

    # Our own descriptor 3 is the cell channel; only the command's becomes the pipe.
    return subprocess.Popen(
        argv,
        stdin=stdin,
        pass_fds=(RESULT_DESCRIPTOR,),
        preexec_fn=place,  # noqa: PLW1509  # a cell has one thread when it starts a command
    )


def not_started(program: str) -> ToolError:
    """
    The kernel says "no such file" of a program that is there when what should run it is not.
    """
    try:
        with open(program, "rb") as file:  # noqa: PTH123  # as the kernel opens it
            first = file.readline(FIRST_LINE_BYTES)
    except OSError:
        why = "it is not there"
    else:
        why = _what_is_missing(first)
    hint = "The tool itself is at fault: do not repeat the call, tell its author."
    message = f"the command {os.path.basename(program)} cannot be started: {why}"  # noqa: PTH119  # any text
    return ToolError(message, code="COMMAND_NOT_STARTED", hint=hint, spoken="The command failed.")


def _what_is_missing(first: bytes) -> str:
    if not first.startswith(b"#!"):
        return "the loader that it is linked with was not found"
    if first.endswith(b"\r\n"):
        return 'its first line has a Windows line end (\\r\\n); save it with Unix ones ("\\n")'
    interpreter = first[2:].decode("utf-8", "backslashreplace").strip()
    return f"its interpreter {interpreter!r}, which its first line names, was not found"


def _read(source: int, process: subprocess.Popen[bytes], maximum: int) -> bytes:
    poller = select.poll()
    poller.register(source, select.POLLIN)
    output = bytearray()
    while True:
        ended = process.poll() is not None
        if not poller.poll(0 if ended else LINGERING_MILLISECONDS):
            if ended:
                return bytes(output)
            continue
        chunk = os.read(source, CHUNK_BYTES)
        if not chunk:
            return bytes(output)
        output += chunk
        if len(output) > maximum:
            raise ResultTooLarge(f"more than {maximum}", maximum)


def _check_ending(code: int) -> None:
    if code > 0:
        raise CommandFailed(f"the command exited with code {code}", exit_code=code, signal=None)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        message = f"the command was ended by signal {name}"
        raise CommandFailed(message, exit_code=None, signal=-code)


def _parse(output: bytes, where: str) -> Any:
    if not output.strip():
        raise ResultInvalid(f"the command wrote nothing on {where}, where its result belongs")
    try:
        return msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError) as exc:
        begin = output[:80].decode("utf-8", "backslashreplace")
        raise ResultInvalid(
            f"what the command wrote on {where} is not JSON ({exc}); it begins {begin!r}"
        ) from None
