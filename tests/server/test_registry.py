"""
The registry: what bundles offer, and what callers find.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from toolcell.v1 import execution_pb2, registry_pb2
from toolcell_server import catalogues, versions
from toolcell_server.limits import Limits
from toolcell_server.refusals import BadPageToken, SwitchedOff, ToolBroken, UnknownTool
from toolcell_server.registry import Registry
from toolcell_server.registry_service import RegistryService
from toolcell_server.unmatched import warn_of_unknown_credentials

DEFAULTS = Limits()
CEILINGS = Limits(wall_seconds=60.0, cpu_seconds=60.0, memory_bytes=2**30)


def manifest(name: str = "echo", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1",
        "description": f"The tool {name}.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
        **changes,
    }


def registry(*tools: dict[str, Any], disabled: frozenset[str] = frozenset()) -> Registry:
    found = Registry(DEFAULTS, CEILINGS, disabled)
    found.replace("mine", {"tools": list(tools), "broken": []})
    return found


def names(found: Registry) -> list[tuple[str, str, str, bool]]:
    return [
        (tool.name, tool.version, tool.bundle, not tool.broken_reason) for tool in found.tools()
    ]


def test_a_tool_is_described_as_its_manifest_says() -> None:
    """
    What a caller is shown is what the model is told, and what the grant is made from.
    """
    found = registry(
        manifest(
            title="Echo",
            category="text",
            tags=["a", "b"],
            effects="read_only",
            idempotent=True,
            returns={"type": "string"},
            limits={"wall_seconds": 5.0},
            paths=[{"path": "{path}", "access": "read"}],
            minimum_isolation="strong",
            deprecated="use cat",
            command=True,
        )
    )
    tool = found.find("echo").to_proto()

    assert tool.title == "Echo"
    assert tool.tags == ["a", "b"]
    assert tool.parameters_json.startswith(b'{"type":"object"')
    assert tool.returns_json == b'{"type":"string"}'
    assert tool.effects == registry_pb2.EFFECTS_READ_ONLY
    assert tool.limits.wall.seconds == 5
    assert tool.paths == [
        execution_pb2.PathGrant(path="{path}", access=execution_pb2.PATH_ACCESS_READ)
    ]
    assert tool.minimum_isolation == execution_pb2.ISOLATION_LEVEL_STRONG
    assert tool.state == registry_pb2.TOOL_STATE_AVAILABLE
    assert tool.deprecated == "use cat"
    assert tool.command


def test_a_name_that_is_switched_off_and_that_nobody_has_is_found() -> None:
    """
    A typing error in a safety switch leaves on what it should switch off.
    """
    found = registry(manifest("run_shell"), disabled=frozenset({"run_shel", "zzz", "run_shell"}))

    assert found.unknown_disabled() == {"run_shel": ["run_shell"], "zzz": []}


def test_a_credential_that_is_not_configured_is_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Its requests would all be refused, and nobody would know which of two files is misspelt.
    """
    key = {"domain": "http://api.example.com", "credential": "wether"}
    found = registry(manifest(domains=["b.example:443", key]))

    warn_of_unknown_credentials(found, ["wether"])
    assert [] == caplog.records

    warn_of_unknown_credentials(found, ["weather"])
    [record] = caplog.records
    assert "egress.credentials" in record.message
    assert ("echo", "wether") == (record.fields["tool"], record.fields["credential"])  # type: ignore[attr-defined]


def test_limits_of_a_tool_are_capped_by_the_ceilings() -> None:
    """
    The operator has the last word, whatever a bundle's author wrote.
    """
    found = registry(manifest(limits={"wall_seconds": 3600.0}))

    assert found.find("echo").limits.wall_seconds == 60.0


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param(manifest(colour="red"), "colour", id="an unknown key"),
        pytest.param(manifest(name="a.b"), "name", id="a name that providers reject"),
        pytest.param(manifest(name="n\n"), "name", id="a name with a line feed at its end"),
        pytest.param(manifest(version=""), "version", id="an empty version"),
        pytest.param(manifest(version=3), "version", id="a version that is a number"),
        pytest.param(manifest(effects="none"), "effects", id="unknown effects"),
        pytest.param(manifest(limits={"wall": 3}), "limits.wall", id="an unknown limit"),
        pytest.param(manifest(limits={"processes": -1}), "processes", id="a negative limit"),
        pytest.param(manifest(limits={"wall_seconds": "9"}), "wall_seconds", id="a limit as text"),
        pytest.param(manifest(parameters={"type": "array"}), "object", id="parameters not object"),
        pytest.param(manifest(parameters=None), "parameters", id="parameters null"),
        pytest.param(
            manifest(parameters={"type": "object", "properties": {"a": {"$ref": "file:///x"}}}),
            "file:///x",
            id="a remote reference",
        ),
        pytest.param(manifest(returns={"type": "nothing"}), "type", id="a broken result schema"),
        pytest.param(
            manifest(paths=[{"path": "{other}", "access": "read"}]), "other", id="a path unknown"
        ),
        pytest.param(
            manifest(paths=[{"path": "{path}", "access": "eat"}]), "access", id="an access unknown"
        ),
        pytest.param(
            manifest(effects="read_only", paths=[{"path": "{path}", "access": "staged"}]),
            "read_only",
            id="read only, and writes",
        ),
        pytest.param(manifest(domains=["a:0"]), "domains", id="a port that there is not"),
        pytest.param(manifest(domains=["{host}:443"]), "no argument", id="a host of no argument"),
        pytest.param(
            manifest(domains=["10.0.0.1:443"]), "domains", id="a domain that is an address"
        ),
        pytest.param(manifest(approval="maybe"), "maybe", id="an approval unknown"),
        pytest.param(manifest(retry={"attempts": 3}), "retry", id="retries of what writes"),
        pytest.param({"name": "echo"}, "description", id="no description"),
    ],
)
def test_a_bad_manifest_is_a_broken_tool_that_says_why(value: dict[str, Any], says: str) -> None:
    """
    The service starts with what works, and the operator reads in the list what does not.
    """
    (tool,) = registry(value).tools()

    assert tool.to_proto().state == registry_pb2.TOOL_STATE_BROKEN
    assert says in tool.broken_reason


@pytest.mark.parametrize(
    "catalogue",
    [
        pytest.param({}, id="an empty catalogue"),
        pytest.param({"tools": None, "broken": 3}, id="lists that are none"),
        pytest.param({"tools": [None, 1, "x", [], {}]}, id="manifests that are none"),
        pytest.param({"broken": [None, {"name": 7, "reason": []}]}, id="reasons that are none"),
        pytest.param([], id="a catalogue that is none"),
        pytest.param({"tools": [manifest(paths=[3])]}, id="a path that is a number"),
        pytest.param(
            {"tools": [manifest(paths=[{"path": "{path}", "access": []}])]}, id="a list as access"
        ),
        pytest.param({"tools": [manifest(limits={"processes": [1]})]}, id="a list as limit"),
        pytest.param({"tools": [manifest(description="\udc80")]}, id="half a surrogate pair"),
        pytest.param({"tools": [manifest("\udc80")]}, id="half a surrogate pair as name"),
        pytest.param({"broken": [{"name": "\udc80", "reason": "\udc80"}]}, id="and in a reason"),
        pytest.param({"broken": [{"name": "n" * 10**6, "reason": "r" * 10**6}]}, id="megabytes"),
    ],
)
def test_no_catalogue_makes_the_registry_raise(catalogue: Any) -> None:
    """
    Code of the bundle could have forged it, and the server must outlive that.
    """
    found = Registry(DEFAULTS, CEILINGS)
    found.replace("mine", catalogue)

    assert all(tool.broken_reason for tool in found.tools())
    assert sum(tool.to_proto().ByteSize() for tool in found.tools()) < 4096


def test_a_broken_tool_is_listed_with_file_and_reason_and_cannot_be_called() -> None:
    """
    A syntax error in one file must be found where tools are looked for.
    """
    found = registry()
    broken = {"name": "bad", "file": "bad.py", "reason": "line 3: invalid syntax"}
    found.replace("mine", {"tools": [manifest()], "broken": [broken]})

    assert found.find("bad").broken_reason == "bad.py: line 3: invalid syntax"
    with pytest.raises(ToolBroken, match="line 3"):
        found.find_callable("bad")


def test_a_disabled_tool_is_listed_and_cannot_be_called() -> None:
    """
    Switched off is not gone: whoever misses it must see why.
    """
    found = registry(manifest(), disabled=frozenset({"echo"}))

    assert found.find("echo").to_proto().state == registry_pb2.TOOL_STATE_DISABLED
    with pytest.raises(SwitchedOff, match="echo"):
        found.find_callable("echo")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param("1.9", "1.10", id="numbers by value"),
        pytest.param("2.0-beta", "2.0", id="a preview before its release"),
        pytest.param("2.0-alpha", "2.0-beta", id="previews by letter"),
        pytest.param("2.0", "2.0.1", id="a patch after its release"),
        pytest.param("", "0", id="no version before any"),
        pytest.param("9", "v10", id="a leading letter is a text, not a number"),
    ],
)
def test_versions_are_ordered_as_people_read_them(older: str, newer: str) -> None:
    """
    "Newest" decides what runs when no version is named.
    """
    if newer == "v10":
        older, newer = newer, older

    assert versions.order(older) < versions.order(newer)


def test_without_a_version_the_newest_that_is_not_deprecated_is_found() -> None:
    """
    Deprecating a release sends callers back to the one before, without their doing anything.
    """
    found = registry(
        manifest(version="1.9"),
        manifest(version="1.10"),
        manifest(version="2", deprecated="it loses data"),
    )

    assert found.find("echo").version == "1.10"
    assert found.find("echo", "2").deprecated == "it loses data"


def test_where_all_versions_are_deprecated_the_newest_is_found() -> None:
    """
    Deprecated means "should not", not "cannot".
    """
    found = registry(manifest(version="1", deprecated="x"), manifest(version="2", deprecated="y"))

    assert found.find("echo").version == "2"


def test_an_unknown_tool_is_refused_with_close_matches() -> None:
    """
    A model that misspells a name can correct itself from the answer alone.
    """
    found = registry(manifest("read_file"), manifest("write_file"), manifest("sum"))

    with pytest.raises(UnknownTool) as caught:
        found.find("read_flie")
    assert caught.value.metadata["close_matches"].split(",")[0] == "read_file"


def test_an_unknown_version_is_refused_by_version() -> None:
    """
    "No tool echo" would be a lie.
    """
    with pytest.raises(UnknownTool, match="in version '7'"):
        registry(manifest()).find("echo", "7")


def test_a_name_of_a_megabyte_costs_no_comparison() -> None:
    """
    Looking for close matches is quadratic, and the name is the caller's.
    """
    with pytest.raises(UnknownTool) as caught:
        registry(manifest()).find("e" * 2**20)
    assert caught.value.metadata["close_matches"] == ""


def test_a_bundle_is_replaced_at_once() -> None:
    """
    After a reload nothing of the old catalogue may be callable.
    """
    found = registry(manifest("old"), manifest("both"))
    found.replace("mine", {"tools": [manifest("both", version="2"), manifest("new")]})

    assert names(found) == [("both", "2", "mine", True), ("new", "1", "mine", True)]


def test_a_name_of_another_bundle_is_not_taken_over() -> None:
    """
    Installing a bundle must not redirect the calls of another, whichever loads or reloads when.
    """
    found = registry(manifest("echo"))
    found.replace("other", {"tools": [manifest("echo", version="9")]})
    found.replace("mine", {"tools": [manifest("echo")]})

    assert found.find("echo").bundle == "mine"
    assert names(found) == [("echo", "9", "other", False), ("echo", "1", "mine", True)]
    assert "the bundle mine" in next(found.tools()).broken_reason


def test_an_earlier_bundle_that_begins_to_offer_a_name_does_not_take_it() -> None:
    """
    The order in the settings decides nothing once a name is in use.
    """
    found = registry()
    found.replace("other", {"tools": [manifest("echo")]})
    found.replace("mine", {"tools": [manifest("echo")]})

    assert found.find("echo").bundle == "other"


def test_a_name_is_free_again_when_its_bundle_no_longer_offers_it() -> None:
    """
    The remedy that the broken tool names must work.
    """
    found = registry(manifest("echo"))
    found.replace("other", {"tools": [manifest("echo")]})
    found.replace("mine", {"tools": []})

    assert names(found) == [("echo", "1", "other", True)]


def test_a_version_twice_in_one_bundle_is_broken() -> None:
    """
    Nobody knows which of them is meant.
    """
    assert names(registry(manifest(), manifest())) == [("echo", "1", "mine", False)]


def pages_of(found: Registry, size: int, **filters: Any) -> list[list[str]]:
    async def read() -> list[list[str]]:
        service, token, seen = RegistryService(found), "", []
        while True:
            request = registry_pb2.ListToolsRequest(page_size=size, page_token=token, **filters)
            response = await service.ListTools(request, None)  # type: ignore[arg-type]
            seen.append([f"{tool.name} {tool.version}" for tool in response.tools])
            token = response.next_page_token
            if not token:
                return seen

    return asyncio.run(read())


def test_pages_hold_every_tool_once_by_name_and_newest_first() -> None:
    """
    A client that follows the tokens sees everything, and never the same tool twice.
    """
    found = registry(manifest("b", version="1"), manifest("b", version="2"), manifest("a"))
    found.replace("other", {"tools": [manifest("b", version="2")]})

    assert pages_of(found, 1) == [["a 1"], ["b 2"], ["b 2"], ["b 1"]]
    assert pages_of(found, 4) == [["a 1", "b 2", "b 2", "b 1"]]


def test_filters_choose_by_category_every_tag_and_state() -> None:
    """
    A model is shown a few tools, chosen; a filter that is ignored would show it all.
    """
    found = registry(
        manifest("one", category="files", tags=["x", "y"]),
        manifest("two", category="files", tags=["x"]),
        manifest("three", category="net", tags=["x", "y"]),
        manifest("four", colour="red"),
    )

    assert pages_of(found, 9, category="files") == [["one 1", "two 1"]]
    assert pages_of(found, 9, tags=["y", "x"]) == [["one 1", "three 1"]]
    assert pages_of(found, 9, state=registry_pb2.TOOL_STATE_BROKEN) == [["four 1"]]


def test_a_page_is_cut_short_before_it_is_too_large_for_a_client() -> None:
    """
    GRPC clients receive 4 MiB by default; a page beyond that could never be read at all.
    """
    large = "x" * 16_000
    found = registry(*(manifest(f"tool_{number:03}", description=large) for number in range(300)))
    sizes = [len(page) for page in pages_of(found, 1000)]

    assert sum(sizes) == 300
    assert max(sizes) * len(large) < 3 * 2**20


def test_a_page_after_a_tool_that_has_gone_goes_on_behind_it() -> None:
    """
    Tools come and go between two pages; a position is a place in the order, not a tool.
    """
    found = registry(manifest("a"), manifest("b"), manifest("c"))

    async def read() -> list[str]:
        service = RegistryService(found)
        first = await service.ListTools(registry_pb2.ListToolsRequest(page_size=2), None)  # type: ignore[arg-type]
        found.replace("mine", {"tools": [manifest("a"), manifest("c")]})
        request = registry_pb2.ListToolsRequest(page_token=first.next_page_token)
        second = await service.ListTools(request, None)  # type: ignore[arg-type]
        return [tool.name for tool in second.tools]

    assert asyncio.run(read()) == ["c"]


def test_a_filter_that_matches_little_looks_at_so_many_tools_for_a_page_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Ten thousand tools that do not match would hold up everybody; a page may be empty instead.
    """
    monkeypatch.setattr("toolcell_server.registry_service._MOST_LOOKED_AT", 10)
    names = [f"t{index:02}" for index in range(35)]
    found = registry(*(manifest(name, category="x" * (name == "t33")) for name in names))

    async def read() -> list[list[str]]:
        service, seen = RegistryService(found), list[list[str]]()
        request = registry_pb2.ListToolsRequest(category="x")
        while not seen or request.page_token:
            page = await service.ListTools(request, None)  # type: ignore[arg-type]
            seen.append([tool.name for tool in page.tools])
            request.page_token = page.next_page_token
        return seen

    assert asyncio.run(read()) == [[], [], [], ["t33"]]


def test_a_page_token_of_other_filters_is_refused() -> None:
    """
    The first page of another list would be skipped silently.
    """
    found = registry(manifest("a"), manifest("b"))

    async def read() -> None:
        service = RegistryService(found)
        first = await service.ListTools(registry_pb2.ListToolsRequest(page_size=1), None)  # type: ignore[arg-type]
        request = registry_pb2.ListToolsRequest(page_token=first.next_page_token, category="x")
        await service.ListTools(request, None)  # type: ignore[arg-type]

    with pytest.raises(BadPageToken):
        asyncio.run(read())


def test_tools_beyond_what_a_bundle_may_have_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever has so many must hear that some are not there.
    """
    monkeypatch.setattr(catalogues, "MAXIMUM_TOOLS", 2)
    registry = Registry(Limits(), Limits())
    tools = [manifest(f"tool_{number}") for number in range(5)]
    registry.replace("mine", {"tools": tools})

    found = {tool.name: tool.broken_reason for tool in registry.tools()}
    assert {"mine", "tool_0", "tool_1"} == found.keys()
    assert found["mine"].startswith("3 tools more")
