"""
`python -m toolcell_server run`: one tool in one real cell, without a server; for tests of tools.

It takes the same way as a call: schema, limits, grants, every wall, the watchdog.  Arguments come
as one JSON object on standard input; standard output gets one JSON object, `{"outcome": {"kind":
…}, "result": …, "stdout": …, "stderr": …, "usage": {…}, "isolation": {…}, "denials": [{…}],
"committed_paths": [path], "truncated": bool}`.  Exit code 0 whatever the outcome; 4 if the call
was refused, and standard output gets `{"refused": {…}}`, the google.rpc.Status that a server would
send; 2 if no cell could be built, and standard error says why.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict
from toolcell.v1 import execution_pb2 as pb

from toolcell_server.app import App
from toolcell_server.host_ids import NoSpareIds
from toolcell_server.keeper import KeeperFailed
from toolcell_server.policy import Policy
from toolcell_server.refusals import CallRefused
from toolcell_server.settings import (
    BuiltinSettings,
    BundleSettings,
    ServerSettings,
    Settings,
    SettingsError,
)
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

NOTHING_RAN = 2
REFUSED = 4
MAXIMUM_DENIALS = 32  # as many as `Run` returns
_BUNDLE = "alone"


def main(arguments: Sequence[str]) -> int:
    """
    Run the tool, print how it ended; the exit code.
    """
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR)
    try:
        request = pb.ExecuteRequest(tool=given.tool, arguments_json=sys.stdin.buffer.read())
        ended = asyncio.run(_run(App(_settings(given)), request))
    except CallRefused as exc:
        print(json.dumps({"refused": _status(exc)}))  # noqa: T201  # the program's result
        return REFUSED
    except (KeeperFailed, NoSpareIds, SettingsError, ValueError, ZygoteFailed) as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # the program's way to speak
        return NOTHING_RAN
    print(json.dumps(ended))  # noqa: T201  # the program's result
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m toolcell_server run",
        description="Runs one tool in one cell, without a server.",
    )
    parser.add_argument("--bundle", required=True, help="folder of the bundle")
    parser.add_argument("--tool", required=True, help="name of the tool")
    parser.add_argument(
        "--root", action="append", default=[], help="folder that it may be granted paths in"
    )
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    roots = [{"path": root, "access": "write"} for root in given.root]
    return Settings(
        server=ServerSettings(max_executions=1, queue=0),
        policy=Policy.from_settings({"roots": roots}),
        bundles=(BundleSettings(name=_BUNDLE, path=str(Path(given.bundle).resolve())),),
        builtin=BuiltinSettings(enabled=False),
    )


async def _run(application: App, request: pb.ExecuteRequest) -> dict[str, Any]:
    output = {pb.OUTPUT_STREAM_STDOUT: b"", pb.OUTPUT_STREAM_STDERR: b""}
    result, finished, denials = b"", pb.Finished(), list[pb.Denied]()
    async with application.without_a_face() as admission:
        if failure := application.pool.unbuilt():
            raise failure
        record = application.executions.start(await admission.admit(request, None))
        with record.attachments, record.reader() as events:
            async for data in events:
                event = pb.ExecuteResponse.FromString(data)
                if event.HasField("output"):
                    output[event.output.stream] += event.output.data
                if event.HasField("denied"):
                    denials.append(event.denied)
                result += event.result_chunk.data + event.finished.result_json
                finished.CopyFrom(event.finished)
    return {
        "outcome": {"kind": finished.outcome.WhichOneof("kind"), **_plain(finished.outcome)},
        "result": json.loads(result) if result else None,
        "stdout": output[pb.OUTPUT_STREAM_STDOUT].decode(errors="replace"),
        "stderr": output[pb.OUTPUT_STREAM_STDERR].decode(errors="replace"),
        "usage": _plain(finished.usage),
        "isolation": _plain(finished.isolation),
        "denials": [_plain(denied) for denied in denials[:MAXIMUM_DENIALS]],
        "committed_paths": list(finished.committed_paths),
        "truncated": finished.truncated,
    }


def _status(refused: CallRefused) -> dict[str, Any]:
    from toolcell_server import status  # imports gRPC, which must not be there before the zygote

    return _plain(status.to_status(refused))


def _plain(message: Message) -> dict[str, Any]:
    return dict(MessageToDict(message, preserving_proto_field_name=True))
