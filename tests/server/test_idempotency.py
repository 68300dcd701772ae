"""
`request_id`: the same call again never runs the tool again.
"""

from __future__ import annotations

from typing import Any

import pytest
from scripted_executor import (
    ScriptedExecutor,
    execution,
    run,
    started,
)
from toolcell_server.executions import Executions, Keeping
from toolcell_server.idempotency import Scope
from toolcell_server.refusals import RequestIdReused

SCOPE = Scope("", "echo", "request-1")


def test_a_repeated_call_joins_the_execution_that_runs() -> None:
    """
    A client that resends after a broken connection must not run the tool twice.
    """

    async def scenario() -> tuple[bool, int, list[str]]:
        executor = ScriptedExecutor(started())
        executions = Executions(executor, Keeping())
        first = executions.start(execution(request_id="request-1"), b"fingerprint")
        again = execution(request_id="request-1")
        again.resources.callback(executor.closed.append, "again")
        second = executions.start(again, b"fingerprint")
        known = executions.joined(SCOPE, b"fingerprint")
        return first is second is known, executions.running, list(executor.closed)

    assert run(scenario()) == (True, 1, ["again"])


def test_a_request_id_belongs_to_one_payload() -> None:
    """
    Answering another call with this result would be a lie.
    """

    async def scenario() -> list[str]:
        executor = ScriptedExecutor(started())
        executions = Executions(executor, Keeping())
        executions.start(execution(request_id="request-1"), b"fingerprint")
        again = execution(request_id="request-1")
        again.resources.callback(executor.closed.append, "again")
        with pytest.raises(RequestIdReused):
            executions.start(again, b"another")
        return list(executor.closed)

    assert run(scenario()) == ["again"]


@pytest.mark.parametrize(
    "fields",
    [{"request_id": ""}, {"request_id": "2"}, {"tool": "other"}, {"principal": "somebody"}],
    ids=["no request_id", "another request_id", "another tool", "another principal"],
)
def test_a_call_runs_on_its_own_with(fields: dict[str, Any]) -> None:
    """
    The scope of an id is (principal, tool, request_id): callers cannot meet by chance.
    """

    async def scenario() -> int:
        executions = Executions(ScriptedExecutor(started()), Keeping())
        for changed in ({}, fields):
            call = execution(**{"request_id": "1", **changed})
            executions.start(call, b"fingerprint")
        return executions.running

    assert run(scenario()) == 2
