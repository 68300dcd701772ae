"""
A flood of refusals is a few records.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from auditing_logs import log, records
from toolcell_server import principal
from toolcell_server.audit import tally
from toolcell_server.audit.auditing import Auditing
from toolcell_server.audit.tally import Tally
from toolcell_server.principal import Principal
from toolcell_server.refusals import UnknownTool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pytest


def told(act: Callable[[Tally], None]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []

    async def whole() -> None:
        one = Tally(lambda kind, data: found.append((kind, dict(data))))
        act(one)
        one.close()

    asyncio.run(whole())
    return found


def test_the_first_is_told_at_once_and_the_others_are_counted() -> None:
    def act(one: Tally) -> None:
        for number in range(1000):
            one.add("refused", "key", lambda number=number: {"number": number})  # type: ignore[misc]

    assert told(act) == [
        ("refused", {"count": 1, "number": 0}),
        ("refused", {"count": 999, "number": 999}),
    ]


def test_others_are_told_by_themselves() -> None:
    def act(one: Tally) -> None:
        for key in ("a", "b"):
            one.add("refused", key, lambda key=key: {"key": key})  # type: ignore[misc]

    assert told(act) == [
        ("refused", {"count": 1, "key": "a"}),
        ("refused", {"count": 1, "key": "b"}),
    ]


def test_more_kinds_than_there_is_room_for_are_counted_together() -> None:
    """
    Whatever a caller makes up, a second has so many records and no more.
    """

    def act(one: Tally) -> None:
        for number in range(10_000):
            one.add("refused", number, dict)

    found = told(act)

    assert len(found) == tally.KEYS + 1
    assert found[-1] == ("refused", {"count": 10_000 - tally.KEYS, "mixed": True})


def test_of_what_is_counted_together_each_kind_is_told_by_itself() -> None:
    """
    The last of another kind does not speak for it.
    """

    def act(one: Tally) -> None:
        for number in range(tally.KEYS):
            one.add("failed", number, dict)
        one.add("refused", "new", dict)
        one.add("failed", "new", dict)

    assert told(act)[-2:] == [
        ("refused", {"count": 1, "mixed": True}),
        ("failed", {"count": 1, "mixed": True}),
    ]


def test_a_flood_of_repetitions_hides_no_refusal(tmp_path: Path) -> None:
    """
    Whoever repeats many calls of his own must not be able to probe unseen.
    """
    auditing = Auditing(log(tmp_path))

    class Request:
        tool = "forbidden"

    async def scenario() -> None:
        auditing.start()
        mallory = Principal(name="mallory")
        for number in range(2 * tally.KEYS):
            auditing.joined(mallory, f"execution-{number}", Request(), ended=True)
        with principal.calling(mallory):
            auditing.refused(UnknownTool("forbidden"), "/service/Run", Request())
        auditing.joined(mallory, "last", Request(), ended=True)
        await auditing.aclose()

    asyncio.run(scenario())
    (told_,) = records(tmp_path, "call.refused")

    assert ("mallory", "forbidden") == (told_["data"]["principal"]["name"], told_["data"]["tool"])
    assert len(records(tmp_path, "call.replayed")) == tally.KEYS + 1


def test_after_its_second_it_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "SECONDS", 0.02)
    found: list[int] = []

    async def scenario() -> None:
        twice = asyncio.Event()

        def told(_: str, data: Mapping[str, Any]) -> None:
            found.append(data["count"])
            if len(found) == 2:
                twice.set()

        one = Tally(told)
        for _ in range(3):
            one.add("refused", "key", dict)
        async with asyncio.timeout(10):
            await twice.wait()
        one.add("refused", "key", dict)

    asyncio.run(scenario())

    assert found == [1, 2, 1]


def test_a_refusal_says_who_was_refused_and_what_for(tmp_path: Path) -> None:
    """
    Though the context of the call has gone by the time that it is recorded.
    """
    auditing = Auditing(log(tmp_path))

    class Request:
        tool = "t" * 9000
        call_id = "evil\n\x1b[2J"
        arguments_json = b"{}"

    async def scenario() -> None:
        auditing.start()
        with principal.calling(Principal(name="mallory", session="s")):
            refusal = UnknownTool("nosuch")
        for _ in range(50):
            auditing.refused(refusal, "/service/Run", Request())
        auditing.failed("e1", "/service/Run", Principal(), iter(()))
        await auditing.aclose()

    asyncio.run(scenario())
    first, rest = (one["data"] for one in records(tmp_path, "call.refused"))
    (failed,) = records(tmp_path, "call.failed")

    assert (first["count"], rest["count"]) == (1, 49)
    assert first["principal"]["name"] == "mallory"
    assert (first["reason"], first["code"]) == ("UNKNOWN_TOOL", "NOT_FOUND")
    assert (len(first["tool"]), first["call_id"]) == (1024, "evil\n\x1b[2J")
    assert first["arguments"]["bytes"] == 2
    assert failed["data"]["error_id"] == "e1"
    assert (tmp_path / "audit-00000001.jsonl").read_bytes().count(b"\n") == len(records(tmp_path))
