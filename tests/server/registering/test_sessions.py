"""
Tools of sessions that end at the wrong moment.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from registering_server import Served, definition, played
from toolcell.v1 import registry_pb2 as pb
from toolcell_server.refusals import UnknownSession
from toolcell_server.registering import parts
from toolcell_server.sessions.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.principal import Principal


class EndsSoon:
    """
    A `Station` that knows a session so many times.
    """

    def __init__(self, times: int) -> None:
        self._times = times

    def find(self, session_id: str, caller: Principal) -> Session:
        if not self._times:
            raise UnknownSession(session_id)
        self._times -= 1
        return Session(
            owner=caller.name,
            session_id=session_id,
            place="",
            created=0,
            used=0,
            expires=0,
            idle=0,
            quota_bytes=0,
            quota_files=0,
        )

    def using(self, _session: Session) -> contextlib.nullcontext[None]:
        return contextlib.nullcontext()


@pytest.mark.parametrize(("times", "left"), [(2, []), (3, ["upper"])], ids=["ends", "control"])
def test_nothing_is_registered_for_a_session_that_has_ended_meanwhile(
    times: int, left: list[str]
) -> None:
    async def scenario(served: Served) -> None:
        request = pb.RegisterToolsRequest(definitions=[definition()], session_id="s")
        alice = served.caller("alice")
        if left:
            await alice.call("RegisterTools", request)
        else:
            assert ("NOT_FOUND", "UNKNOWN_SESSION") == (
                await alice.refused("RegisterTools", request)
            )[:2]
        assert left == [each.tool.name for each in served.book.kept]

    played(scenario, sessions=EndsSoon(times))


def test_what_a_living_session_has_does_not_grow_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(parts, "time", SimpleNamespace(time=lambda: now[0]))

    async def scenario(served: Served) -> None:
        served.app.registrar.lives = lambda owner, session: (owner, session) == ("alice", "lives")
        for session in ("lives", "gone"):
            alice = served.caller("alice", session=session)
            await alice.register(definition(session, scope=pb.TOOL_SCOPE_SESSION))
        now[0] += 61
        await served.caller("bob").register(definition("other"))
        assert ["lives", "other"] == sorted(each.tool.name for each in served.book.kept)

    played(scenario, folder=str(tmp_path), session_seconds=60)
