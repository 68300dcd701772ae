"""
A caller with a valid token who sends too much: he takes his share of the service, and no more.
"""

from __future__ import annotations

import threading
import urllib.request
from typing import TYPE_CHECKING

import pytest
import rivals
from rivals import ALICE, MALLORY, Caller
from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with rivals.serve(tmp_path_factory.mktemp("rivals")) as running:
        yield running


@pytest.fixture
def alice(server: Server) -> Iterator[Caller]:
    caller = Caller(server.target, ALICE)
    with caller.channel:
        yield caller


@pytest.fixture
def mallory(server: Server) -> Iterator[Caller]:
    caller = Caller(server.target, MALLORY)
    with caller.channel:
        yield caller


def series(server: Server) -> set[str]:
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


@pytest.mark.slow
def test_ten_thousand_names_of_tools_are_no_ten_thousand_metrics(
    server: Server, mallory: Caller
) -> None:
    mallory.refused("Run", pb.RunRequest(tool="no_such_tool"))
    before = series(server)
    waiting = [
        mallory.stub.Run.future(
            pb.RunRequest(tool=f"tool_{number}"), timeout=60, metadata=mallory.metadata
        )
        for number in range(10_000)
    ]
    codes = {call.exception().code().name for call in waiting}

    assert codes <= {"PERMISSION_DENIED", "UNAVAILABLE"}  # the latter: too many at once
    assert len(series(server) - before) < 20


def test_metadata_without_end_is_refused_and_the_next_call_works(mallory: Caller) -> None:
    huge = tuple((f"x-{number}", "y" * 1000) for number in range(100))
    code, _, _ = mallory.refused("Run", pb.RunRequest(tool="draw"), (*mallory.metadata, *huge))
    oversized = (("authorization", "Bearer " + "z" * 7000),)
    other, _, _ = mallory.refused("Run", pb.RunRequest(tool="draw"), oversized)

    assert code in {"RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE"}  # the library's own
    assert other == "UNAUTHENTICATED"
    assert mallory.run("draw").finished.outcome.HasField("completed")


@pytest.mark.slow
def test_streams_that_nobody_reads_keep_nobody_else_waiting(alice: Caller, mallory: Caller) -> None:
    """
    More streams than cells may run: whoever reads none of them holds his own share, and no more.
    """
    slow = [
        mallory.stub.Execute(
            pb.ExecuteRequest(tool="wait", arguments_json=b'{"seconds": 20}'),
            timeout=60,
            metadata=mallory.metadata,
        )
        for _ in range(60)
    ]
    answers: list[pb.RunResponse] = []
    callers = [
        threading.Thread(target=lambda: answers.append(alice.run("calculate", {"expression": "1"})))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(45)
    for stream in slow:
        stream.cancel()

    assert ["completed"] * 4 == [each.finished.outcome.WhichOneof("kind") for each in answers]
