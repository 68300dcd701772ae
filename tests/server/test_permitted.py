"""
Tools as one caller sees them: what is not his is not there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ruling import rights, rule
from toolcell.v1 import registry_pb2 as pb
from toolcell_server import principal
from toolcell_server.limits import Limits
from toolcell_server.permitted import PermittedTools
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.refusals import (
    CallRefused,
    MissingScopes,
    NotPermitted,
    SwitchedOff,
    UnknownTool,
)
from toolcell_server.registry import Registry
from toolcell_server.registry_service import RegistryService
from toolcell_server.shelves.close_matches import CloseMatches

if TYPE_CHECKING:
    from toolcell_server.rights import Rights


def manifest(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"The tool {name}.",
        "parameters": {"type": "object"},
        **changes,
    }


MANIFESTS = [
    manifest("files_read", version="2"),
    manifest("files_read", version="1"),
    manifest("files_wipe", tags=["dangerous"]),
    manifest("files_send", scopes=["web"]),
    manifest("mail", version="2", scopes=["web"]),
    manifest("mail", version="1"),
    manifest("run_shell", category="shell"),
    manifest("closed"),
]


def permitted(found: Rights) -> PermittedTools:
    registry = Registry(Limits(), Limits(), frozenset({"closed"}))
    registry.replace("mine", {"tools": MANIFESTS})
    return PermittedTools(registry, found)


def alice(*roles: str) -> Principal:
    return Principal(name="alice", roles=frozenset(roles))


ROLES: dict[str, Any] = {
    "files": ["files_*"],
    "all": ["*"],
    "mail": ["mail", "closed"],
    "shell": ["category:shell"],
    "web": {"tools": ["files_send"], "scopes": ["web"]},
}
TOOLS = permitted(rights(ROLES, rule("deny", tools=["tag:dangerous", "secret_*"])))

ANSWERS: dict[str, tuple[tuple[str, ...], str, str, type[CallRefused] | str]] = {
    # roles, name, version, refusal or the version that is found
    "a tool within the reach": (("files",), "files_read", "", "2"),
    "an older version": (("files",), "files_read", "1", "1"),
    "a version that there is not": (("files",), "files_read", "3", UnknownTool),
    "a tool outside": (("files",), "run_shell", "", NotPermitted),
    "a name outside that no tool has": (("files",), "run_shelf", "", NotPermitted),
    "a name within a wildcard that no tool has": (("files",), "files_raed", "", UnknownTool),
    "a forbidden tool within a wildcard": (("files",), "files_wipe", "", UnknownTool),
    "a forbidden name within a wildcard": (("all",), "secret_key", "", NotPermitted),
    "a tool without its scope": (("files",), "files_send", "", MissingScopes),
    "a tool with its scope": (("web",), "files_send", "", "1"),
    "the newest version that is his": (("mail",), "mail", "", "1"),
    "a newer one that is not": (("mail",), "mail", "2", UnknownTool),
    "a tool by its category": (("shell",), "run_shell", "", "1"),
    "another name with only a category": (("shell",), "run_shelf", "", NotPermitted),
    "no roles at all": ((), "files_read", "", NotPermitted),
    "no name at all": (("files",), "", "", NotPermitted),
    "a name of another kind": (("all",), "\x1b[31m", "", UnknownTool),
    "a tool that is switched off": (("mail",), "closed", "", SwitchedOff),
    "one that is switched off, to others": (("files",), "closed", "", NotPermitted),
}


@pytest.mark.parametrize("sentence", ANSWERS)
def test_answers_to(sentence: str) -> None:
    """
    Permission comes before existence.
    """
    roles, name, version, expected = ANSWERS[sentence]
    if isinstance(expected, str):
        assert expected == TOOLS.find_callable(name, version, alice(*roles)).version
        return
    with pytest.raises(CallRefused) as refused:
        TOOLS.find_callable(name, version, alice(*roles))

    assert type(refused.value) is expected


def heard(tools: PermittedTools, name: str, who: Principal) -> tuple[Any, ...]:
    with pytest.raises(CallRefused) as refused:
        tools.find_callable(name, "", who)
    told = refused.value
    return told.code, told.reason, told.message, told.hint, told.spoken, told.metadata


@pytest.mark.parametrize("roles", [("files",), ("shell",), ()])
def test_what_is_forbidden_and_what_does_not_exist_are_told_apart_by_nobody(
    roles: tuple[str, ...],
) -> None:
    """
    The same name, once with a tool behind it and once without: the same words in every part.
    """
    empty = PermittedTools(Registry(Limits(), Limits()), rights(ROLES))
    with_tool = heard(TOOLS, "mail", alice(*roles))

    assert with_tool == heard(empty, "mail", alice(*roles))
    assert with_tool[1] == "NOT_PERMITTED"


def test_a_forbidden_tool_and_a_name_without_one_take_the_same_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    What comes close is looked for only for who may know: it takes a hundred times longer than all
    else, and so would tell him.
    """
    searched: list[str] = []

    def search(_close: CloseMatches, name: str, *_: Any) -> list[str]:
        searched.append(name)
        return []

    monkeypatch.setattr(CloseMatches, "of", search)
    for name in ("mail", "no_such_tool"):
        heard(TOOLS, name, alice("files"))
    assert searched == []

    heard(TOOLS, "files_raed", alice("files"))
    assert searched == ["files_raed"]  # or the assertion above would say nothing


def test_close_matches_name_only_what_the_caller_may_call() -> None:
    """
    A typing error must not list the tools of others.
    """
    with pytest.raises(UnknownTool) as few:
        TOOLS.find("files_wip", "", alice("files"))
    with pytest.raises(UnknownTool) as all_of_them:
        permitted(rights()).find("files_wip", "", ANYBODY)

    assert "files_wipe" not in few.value.message
    assert "files_send" not in few.value.message
    assert few.value.metadata["close_matches"] == "files_read"
    assert "files_wipe" in all_of_them.value.message


def listed(who: Principal, size: int) -> list[list[str]]:
    async def read() -> list[list[str]]:
        service, token, seen = RegistryService(TOOLS), "", []
        while True:
            request = pb.ListToolsRequest(page_size=size, page_token=token)
            with principal.calling(who):
                response = await service.ListTools(request, None)  # type: ignore[arg-type]
            seen.append([f"{tool.name} {tool.version}" for tool in response.tools])
            token = response.next_page_token
            if not token:
                return seen

    return asyncio.run(read())


PAGES: list[tuple[tuple[str, ...], int, list[list[str]]]] = [
    ((), 10, [[]]),
    (("files",), 10, [["files_read 2", "files_read 1"]]),
    (("files",), 1, [["files_read 2"], ["files_read 1"]]),
    (("files", "web"), 2, [["files_read 2", "files_read 1"], ["files_send 1"]]),
    (("mail", "shell"), 1, [["closed 1"], ["mail 1"], ["run_shell 1"]]),
]


@pytest.mark.parametrize(("roles", "size", "expected"), PAGES)
def test_lists_hold_what_a_caller_may_call_and_nothing_else(
    roles: tuple[str, ...], size: int, expected: list[list[str]]
) -> None:
    """
    A page is full of what he may see, and the last one is known to be the last.
    """
    assert expected == listed(alice(*roles), size)


def test_a_tool_that_is_not_for_a_caller_is_not_described_to_him() -> None:
    """
    A schema tells what a tool does; GetTool says what a call would hear.
    """
    service = RegistryService(TOOLS)

    async def get(name: str) -> pb.GetToolResponse:
        with principal.calling(alice("files")):
            return await service.GetTool(pb.GetToolRequest(name=name), None)  # type: ignore[arg-type]

    assert asyncio.run(get("files_read")).tool.version == "2"
    with pytest.raises(NotPermitted):
        asyncio.run(get("mail"))
    with pytest.raises(MissingScopes):
        asyncio.run(get("files_send"))


@pytest.mark.parametrize(
    "scopes", [["toolcell:approve"], ["tools:*"], ["a b"], [""], ["x" * 300], "web", [5]]
)
def test_a_manifest_asks_for_no_scope_of_the_servers_own(scopes: Any) -> None:
    """
    Nor for what no credential can carry; such a tool is broken, and says why.
    """
    registry = Registry(Limits(), Limits())
    registry.replace("mine", {"tools": [manifest("odd", scopes=scopes)]})

    assert "scopes" in registry.find("odd").broken_reason
