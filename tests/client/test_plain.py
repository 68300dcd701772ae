"""
Messages as plain values.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import event_to_plain, to_plain


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (pb.Heartbeat(elapsed=Duration(seconds=1, nanos=5 * 10**8)), {"elapsed": 1.5}),
        (pb.Output(stream=pb.OUTPUT_STREAM_STDERR, data=b"x"), {"stream": "stderr", "data": "x"}),
        (pb.Output(data=b"\xff"), {"data_base64": "/w=="}),
        (pb.Partial(value_json=b'{"a":[1]}'), {"value": {"a": [1]}}),
        (pb.Partial(value_json=b"{"), {"value_json_base64": "ew=="}),
        (pb.Usage(memory_peak_bytes=2**60), {"memory_peak_bytes": 2**60}),
        (pb.Exceeded(limit=pb.LIMIT_FILE_SIZE, allowed=2), {"limit": "file_size", "allowed": 2}),
        (pb.Exceeded(limit=99), {"limit": "99"}),  # type: ignore[arg-type]
        (pb.Progress(fraction=0.0), {"fraction": 0.0}),
        (pb.Execution(labels={"a": "b"}), {"labels": {"a": "b"}}),
        (pb.Grants(domains=["a:1"]), {"domains": ["a:1"]}),
        (pb.Outcome(completed=pb.Completed()), {"completed": {}}),
        (
            pb.IsolationReport(walls=[pb.WallReport(wall=pb.WALL_IPC)]),
            {"walls": [{"wall": "ipc"}]},
        ),
    ],
    ids=[
        "a span is seconds",
        "bytes that are text are text",
        "bytes that are not are base64, and say so",
        "embedded JSON is embedded",
        "broken JSON is bytes",
        "a large number is a number",
        "an enum is its word",
        "an enum value of a newer server is its number",
        "a zero that was said is kept",
        "a map is a dictionary",
        "texts are a list",
        "an empty message that was set is kept",
        "messages are a list of dictionaries",
    ],
)
def test_a_message_reads_as_people_expect(message: Any, plain: dict[str, Any]) -> None:
    """
    The standard JSON of protobuf quotes numbers and hides JSON in base64.
    """
    assert to_plain(message) == plain
    assert json.loads(json.dumps(to_plain(message))) == plain


def test_an_event_is_flat() -> None:
    """
    One line of JSON is one event, and jq selects by `.event`.
    """
    event = pb.ExecuteResponse(
        sequence=3, time=Timestamp(seconds=0), execution_id="e", progress=pb.Progress(message="m")
    )

    assert event_to_plain(event) == {
        "sequence": 3,
        "time": "1970-01-01T00:00:00Z",
        "execution_id": "e",
        "event": "progress",
        "message": "m",
    }
