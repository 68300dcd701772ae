"""
A client hears that other tools are there, and an operator's program that an extra is missing.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from identities import ALICE, BOB, token
from mcp_bridge import MODES, Bridged, client_of
from toolcell_client import Client
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = {
    "description": "Says.",
    "argv": ["/bin/echo", "hi"],
    "result": "text",
    "parameters": {"type": "object"},
}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    scopes = 'scopes = ["tools:*", "toolcell:own_tools"]'
    settings = token("alice", ALICE, scopes) + token("bob", BOB, scopes)
    settings += "[registry]\nenabled = true\n"
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged"), settings) as one:
        yield one


async def names(client: Any) -> set[str]:
    return {each.name for each in (await client.list_tools(cache_mode="bypass")).tools}


@pytest.mark.parametrize("mode", MODES)
def test_a_client_hears_of_its_own_changes_and_not_of_others(bridged: Bridged, mode: str) -> None:
    """
    By a stream that it opened, or as the older eras have it; and what it called before is not
    stale.
    """
    heard: dict[str, list[str]] = {"alice": [], "bob": []}
    made = f"made_{mode}"

    def hearing(who: str) -> Any:
        async def hear(message: Any) -> None:
            if isinstance(message, types.ToolListChangedNotification):
                heard[who].append("changed")

        return hear

    async def listen(client: Any, who: str, opened: asyncio.Event) -> None:
        async with client.listen(tools_list_changed=True) as subscription:
            opened.set()
            async for _ in subscription:
                heard[who].append("changed")

    async def scenario() -> None:
        async with (
            asyncio.timeout(60),
            client_of(bridged.url, mode, ALICE, message_handler=hearing("alice")) as alice,
            client_of(bridged.url, mode, BOB, message_handler=hearing("bob")) as bob,
            asyncio.TaskGroup() as group,
        ):
            listening = []
            for client, who in ((alice, "alice"), (bob, "bob")):
                assert made not in await names(client)
                if mode == "auto":
                    opened = asyncio.Event()
                    listening.append(group.create_task(listen(client, who, opened)))
                    await opened.wait()
            with Client(bridged.target, token=ALICE) as owner:
                owner.registry.register([{"name": made, **MANIFEST}], scope="principal")
                await until(lambda: bool(heard["alice"]), 15)
                assert made in await names(alice)
                assert made not in await names(bob)
                assert heard["bob"] == []
                assert not (await alice.call_tool(made, {})).is_error
                heard["alice"].clear()
                owner.registry.unregister(made)
                await until(lambda: bool(heard["alice"]), 15)
                assert made not in await names(alice)
            for task in listening:
                task.cancel()

    asyncio.run(scenario())


def test_without_the_extra_the_command_says_what_to_install(bridged: Bridged) -> None:
    """
    A base install has no SDK.
    """
    program = (
        "import sys; sys.modules['mcp'] = None; sys.modules['mcp_types'] = None\n"
        "from toolcell_client.cli.program import run; sys.exit(run(['mcp']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "pip install 'toolcell[mcp]'" in ended.stderr
