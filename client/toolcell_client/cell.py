"""
Runs one tool in a real cell without a server: for tests of tools.

Theory of operation.  The server's room is reached as a program, never by import, so that a test of
a tool meets the same walls as a call.  What is assumed of that program:

    python -I -m toolcell_server run --bundle PATH --tool NAME --root FOLDER …

reads one JSON object, the arguments, from its stdin until end of file; prints one JSON object on
its stdout, `{"outcome": {…}, "result": any JSON value or null, "stdout": text, "stderr": text,
"usage": {…}, "isolation": {…}, "denials": [{…}], "committed_paths": [path], "truncated": bool}`,
whose messages are those of the contract in protobuf's JSON form; and exits 0 whatever the outcome.
Exit code 4 means that the call was refused; its stdout is then `{"refused": {…}}`, a
google.rpc.Status.  Any other exit means that no cell could be built, and its stderr says why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from toolcell_client.unanswered import ToolcellError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

    from toolcell_client.errors import CallRefused
    from toolcell_client.result import Result

    _Message = TypeVar("_Message", bound=Message)

REFUSED = 4  # exit code
TIMEOUT_SECONDS = 60.0  # above the default wall limit of 30 s, which the cell keeps by itself


class CellUnavailable(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised when no cell could be built here; the message says why.
    """


@dataclass(frozen=True, slots=True)
class Cell:
    """
    Runs tools of bundles; `python` is the interpreter that has toolcell.
    """

    python: str = sys.executable

    def run(
        self,
        bundle: str | Path,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        roots: Sequence[str | Path] = (),
        timeout: float = TIMEOUT_SECONDS,
    ) -> Result:
        """
        Run one tool of the bundle at that path, in a cell of its own; the result is as that of
        `Client.run`.  `roots` are the folders in which it may be granted paths; `timeout` is in
        seconds.

        Raises:
            CallRefused: nothing ran; the subclass says why, as that of `Client.run`.
            CellUnavailable: no cell can be built here, or it did not end in time.
        """
        command = [self.python, "-I", "-m", "toolcell_server", "run"]
        command += ["--bundle", str(Path(bundle).resolve()), "--tool", tool]
        for root in roots:
            command += ["--root", str(Path(root).resolve())]
        try:
            ended = subprocess.run(
                command,
                input=json.dumps(dict(arguments or {})).encode(),
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise CellUnavailable(f"the cell did not end within {timeout:g} s") from exc
        if ended.returncode == REFUSED:
            raise _read_refusal(ended.stdout)
        if ended.returncode != 0:
            reason = ended.stderr.decode(errors="replace").strip()
            raise CellUnavailable(reason or f"the program exited with {ended.returncode}")
        return _read(ended.stdout)


def _read(answer: bytes) -> Result:
    # Here, and not above: pytest loads this module into every run of every project.
    from google.protobuf import json_format
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.result import Result

    def message(name: str, kind: type[_Message]) -> _Message:
        return json_format.ParseDict(fields[name], kind(), ignore_unknown_fields=True)

    try:
        fields = json.loads(answer)
        result = fields["result"]
        return Result(
            execution_id="",
            call_id="",
            outcome=message("outcome", pb.Outcome),
            result_json=b"" if result is None else json.dumps(result).encode(),
            stdout=fields["stdout"].encode(),
            stderr=fields["stderr"].encode(),
            usage=message("usage", pb.Usage),
            isolation=message("isolation", pb.IsolationReport),
            denials=tuple(json_format.ParseDict(each, pb.Denied()) for each in fields["denials"]),
            committed_paths=tuple(fields["committed_paths"]),
            truncated=bool(fields["truncated"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, json_format.ParseError) as exc:
        raise _unreadable(answer) from exc


def _read_refusal(answer: bytes) -> CallRefused:
    from google.protobuf import json_format  # see above
    from google.rpc.status_pb2 import Status

    from toolcell_client.translation import refused

    try:
        return refused(json_format.ParseDict(json.loads(answer)["refused"], Status()))
    except (ValueError, KeyError, TypeError, AttributeError, json_format.ParseError) as exc:
        raise _unreadable(answer) from exc


def _unreadable(answer: bytes) -> CellUnavailable:
    shown = answer[:200].decode(errors="replace")
    return CellUnavailable(f"the program's answer cannot be read: {shown!r}")
