"""
Export and import over a socket: from one server to another and back.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from registering_server import ALL, OWN, SECRET, Caller, Served, definition, played
from toolcell.v1 import registry_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTCOMES = pb.ImportOutcome
OTHER = "Quite another tool."


def admin(served: Served) -> Caller:
    return served.caller("admin", ALL)


async def exported(caller: Caller, **fields: Any) -> list[dict[str, Any]]:
    """
    All pages.
    """
    request = pb.ExportToolsRequest(**fields)
    found: list[dict[str, Any]] = []
    while True:
        page = await caller.call("ExportTools", request)
        found += map(json.loads, page.definitions_json)
        if not page.next_page_token:
            return sorted(found, key=lambda each: (each["scope"], each["names"]))
        request.page_token = page.next_page_token


async def brought(
    caller: Caller, entries: Sequence[Any], conflict: str = "FAIL", *, dry: bool = False
) -> tuple[list[str], list[list[str]], bool]:
    """
    The outcomes, the codes of what is wrong, and whether it was done.
    """
    request = pb.ImportToolsRequest(
        definitions_json=[
            each if isinstance(each, bytes) else json.dumps(each).encode() for each in entries
        ],
        on_conflict=pb.ImportConflict.Value(f"IMPORT_CONFLICT_{conflict}"),
        validate_only=dry,
    )
    answer = await caller.call("ImportTools", request)
    words = [
        OUTCOMES.Name(each.outcome).removeprefix("IMPORT_OUTCOME_").lower()
        for each in answer.definitions
    ]
    codes = [[fault.code for fault in each.faults] for each in answer.definitions]
    return words, codes, answer.imported


async def filled(served: Served) -> list[dict[str, Any]]:
    """
    A server with all that can be exported; and that.
    """
    caller = admin(served)
    full: dict[str, Any] = {
        "version": "2.0-beta",
        "tags": ["texte", "größe"],
        "limits": {"wall_seconds": 1.5},
        "conditions": {"labels": {"team": "blau"}},
    }
    await caller.register(definition("upper"), definition("upper", **full), definition("lower"))
    await caller.register(definition("gone", deprecated="never finished"))
    await served.caller("anna").register(definition("note", scope=pb.TOOL_SCOPE_PRINCIPAL))
    await served.caller("anna", OWN, "s1").register(definition("s", scope=pb.TOOL_SCOPE_SESSION))
    sunset = Timestamp(seconds=int(time.time()) + 9000)
    await caller.call(
        "DeprecateTool", pb.DeprecateToolRequest(name="lower", reason="old", sunset_time=sunset)
    )
    await caller.call("ReactivateTool", pb.ReactivateToolRequest(name="gone"))
    return await exported(caller)


def test_what_is_exported_is_imported_and_exported_again_just_so() -> None:
    first = played(filled)

    async def second(served: Served) -> tuple[Any, ...]:
        outcome = await brought(admin(served), first)
        again = await brought(admin(served), first)
        return outcome, again, await exported(admin(served)), await admin(served).get("lower")

    outcome, again, exported_again, lower = played(second)

    assert (["registered"] * 6, [[]] * 6, True) == outcome
    assert (["unchanged"] * 6, [[]] * 6, True) == again
    assert first == exported_again
    assert ("old", True) == (lower.deprecated, lower.HasField("sunset_time"))
    assert {"global", "principal", "session"} == {each["scope"] for each in first}
    assert ["anna"] == [each["principal"] for each in first if each["scope"] == "principal"]


def test_pages_are_as_the_whole() -> None:
    async def scenario(served: Served) -> None:
        whole = await filled(served)

        assert whole == await exported(admin(served), page_size=1)
        assert whole == await exported(admin(served), page_size=4)
        named = await exported(admin(served), page_size=1, names=["up*", "note"])
        assert ["note", "upper", "upper"] == sorted(each["manifest"]["name"] for each in named)
        own = await exported(admin(served), scope=pb.TOOL_SCOPE_SESSION)
        assert ["s"] == [each["manifest"]["name"] for each in own]

    played(scenario)


def test_everybody_exports_his_own_and_nothing_of_others() -> None:
    async def scenario(served: Served) -> None:
        await filled(served)
        anna, bert = served.caller("anna", OWN, "s1"), served.caller("bert")

        own = await exported(anna)
        assert ["note", "s"] == sorted(each["manifest"]["name"] for each in own)
        assert all("principal" not in each and "session" not in each for each in own)
        assert [] == await exported(bert)
        assert (["registered"], [[]], True) == await brought(bert, own[:1])
        code, reason, _ = await served.caller("carl", "").refused(
            "ExportTools", pb.ExportToolsRequest()
        )
        assert ("PERMISSION_DENIED", "NOT_PERMITTED") == (code, reason)
        code, reason, _ = await served.caller("carl", "").refused(
            "ImportTools", pb.ImportToolsRequest(definitions_json=[b"{}"])
        )
        assert ("PERMISSION_DENIED", "NOT_PERMITTED") == (code, reason)

    played(scenario)


def test_nobody_imports_for_others_or_for_everybody_without_the_right() -> None:
    async def scenario(served: Served) -> None:
        entries = await filled(served)
        bert = served.caller("bert")
        of_anna = [each for each in entries if each["scope"] == "principal"]
        of_all = [each for each in entries if each["scope"] == "global"][:1]

        assert (["refused"], [["NOT_PERMITTED"]], False) == await brought(bert, of_anna)
        assert (["refused"], [["NOT_PERMITTED"]], False) == await brought(bert, of_all)

    played(scenario)


def test_a_conflict_fails_is_skipped_or_replaces() -> None:
    other = definition("upper", description=OTHER)

    async def source(served: Served) -> list[dict[str, Any]]:
        await admin(served).register(definition("upper"), definition("new"))
        return await exported(admin(served))

    entries = sorted(played(source), key=lambda each: str(each["names"]))

    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(other)

        failed = (["registered", "refused"], [[], ["ALREADY_REGISTERED"]], False)
        assert failed == await brought(caller, entries)
        assert ["upper 1"] == await caller.names()

        skipped = (["registered", "skipped"], [[], ["ALREADY_REGISTERED"]], True)
        assert skipped == await brought(caller, entries, "SKIP")
        assert OTHER == (await caller.get("upper")).description

        words, codes, done = await brought(caller, entries, "REPLACE")
        assert (["unchanged", "replaced"], [[], []], True) == (words, codes, done)
        assert "The tool upper." == (await caller.get("upper")).description

    played(scenario)


def test_a_dry_run_says_what_would_be_and_does_nothing() -> None:
    entries = played(filled)

    async def scenario(served: Served) -> None:
        assert (["registered"] * 6, [[]] * 6, False) == await brought(
            admin(served), entries, dry=True
        )
        assert [] == await admin(served).names()

    played(scenario)


def test_what_is_deprecated_otherwise_is_a_conflict() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(definition("upper"))
        entries = await exported(caller)
        entries[0]["deprecated"] = [{"tool": "upper@1", "reason": "use lower"}]

        refused = (["refused"], [["DEPRECATED_OTHERWISE"]], False)
        assert refused == await brought(caller, entries)
        assert "" == (await caller.get("upper")).deprecated
        assert (["skipped"], [["DEPRECATED_OTHERWISE"]], True) == await brought(
            caller, entries, "SKIP"
        )
        assert "" == (await caller.get("upper")).deprecated
        assert (["replaced"], [[]], True) == await brought(caller, entries, "REPLACE")
        assert "use lower" == (await caller.get("upper")).deprecated

    played(scenario)


def test_a_secret_does_not_leave_and_what_lacks_it_does_not_come_back() -> None:
    async def scenario(served: Served) -> None:
        caller = admin(served)
        await caller.register(definition("upper", env={"TOKEN": SECRET}))

        entries = await exported(caller)

        assert SECRET not in json.dumps(entries)
        assert entries[0]["redacted"] is True
        assert (["refused"], [["REDACTED"]], False) == await brought(caller, entries)

    played(scenario)


@pytest.mark.parametrize(
    ("entry", "codes"),
    [
        (b"{", ["UNREADABLE"]),
        (b"[]", ["WRONG_TYPE"]),
        (b"{}", ["SOURCE_UNKNOWN"]),
        (b'{"colour": 1}', ["UNKNOWN_KEY"]),
        (b'{"scope": "mine"}', ["NOT_ONE_OF"]),
        (b'{"scope": 5}', ["NOT_ONE_OF"]),
        (b'{"manifest": {}, "command": {"argv": 5}}', ["MALFORMED"]),
        (b'{"manifest": {}, "command": {"args": []}}', ["MALFORMED"]),
        (b'{"manifest": {}, "command": {}, "mcp": {}}', ["CONTRADICTION"]),
        (b'{"names": "a"}', ["WRONG_TYPE"]),
        (b'{"principal": 1, "session": []}', ["WRONG_TYPE", "WRONG_TYPE"]),
        (b'{"deprecated": {}}', ["WRONG_TYPE"]),
        (b'{"deprecated": [{"tool": "a@1", "sunset_time": "tomorrow"}]}', ["MALFORMED"]),
        (b'{"deprecated": [{"tool": "a@1", "reason": "a\\nb"}]}', ["MALFORMED"]),
        (b'{"deprecated": [7, {"reason": ""}]}', ["MALFORMED", "MALFORMED"]),
        (b'{"manifest": {"a": NaN}}', ["NOT_JSON"]),
        (b'{"manifest": "\\ud800"}', ["NOT_JSON"]),
        (b"[" * 100_000, ["UNREADABLE"]),
        (b'{"a":' * 60 + b"1" + b"}" * 60, ["TOO_LARGE"]),
        (b" " * (3 * 2**20 + 1), ["TOO_LARGE"]),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else "",
)
def test_what_is_no_definition_is_refused_with_a_reason(entry: bytes, codes: list[str]) -> None:
    async def scenario(served: Served) -> None:
        assert (["refused"], [codes], False) == await brought(admin(served), [entry])

    played(scenario)


def test_all_faults_of_a_definition_are_told_and_nothing_of_the_request_is_done() -> None:
    async def scenario(served: Served) -> None:
        await admin(served).register(definition("source"))
        good = await exported(admin(served))
        good[0]["manifest"]["name"] = "good"
        good[0]["names"] = ["good@1"]
        bad = {"manifest": {"name": "1", "effects": "x"}, "command": {"argv": ["true"]}}

        words, codes, done = await brought(admin(served), [*good, bad])

        assert (["registered", "refused"], False) == (words, done)
        assert {"MALFORMED", "NOT_ONE_OF", "REQUIRED", "COMMAND"} == set(codes[1])
        assert ["source 1"] == await admin(served).names()

    played(scenario)


def test_a_definition_has_the_tools_that_it_says() -> None:
    async def scenario(served: Served) -> None:
        await admin(served).register(definition("upper"))
        entries = await exported(admin(served))
        entries[0]["names"] = ["upper@1", "other@1"]

        assert (["refused"], [["CONTRADICTION"]], False) == await brought(admin(served), entries)

    played(scenario)


def test_no_more_than_so_many_at_once() -> None:
    async def scenario(served: Served) -> None:
        for count in (0, 1001):
            request = pb.ImportToolsRequest(definitions_json=[b"{}"] * count)
            code, reason, _ = await admin(served).refused("ImportTools", request)
            assert ("INVALID_ARGUMENT", "INVALID_FIELD") == (code, reason)
        for names in (["a"] * 101, ["a" * 65]):
            asked = pb.ExportToolsRequest(names=names)
            code, reason, _ = await admin(served).refused("ExportTools", asked)
            assert ("INVALID_ARGUMENT", "INVALID_FIELD") == (code, reason)
        stale = pb.ExportToolsRequest(page_token="e30")
        code, reason, _ = await admin(served).refused("ExportTools", stale)
        assert ("INVALID_ARGUMENT", "BAD_PAGE_TOKEN") == (code, reason)

    played(scenario)
