"""
Rights over a real socket, with real cells: several callers of one service.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from believing import Callers, callers, who
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from served import refusal
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

SETTINGS = """
[policy]
roots = [{{ path = "{root}", access = "read" }}]
[rights]
anonymous_roles = ["guest"]
[[roles]]
name = "guest"
tools = ["current_time"]
[[roles]]
name = "reader"
tools = ["read_*", "list_*"]
[[roles]]
name = "teller"
tools = ["tag:bank"]
scopes = ["money", "bank:write"]
[[bundles]]
name = "bank"
path = "{bundle}"
[[roles]]
name = "local"
tools = ["calculate"]
allowed_origins = ["127.0.0.0/8"]
[[roles]]
name = "remote"
tools = ["calculate"]
allowed_origins = ["192.0.2.0/24"]
[[rules]]
name = "open-files"
tools = ["read_file"]
when = [{{ argument = "/path", is = "within_path", value = "{root}/open" }}]
then = "allow"
[[rules]]
name = "nothing-of-the-host"
tools = ["system_info"]
then = "route"
otherwise = "current_time"
[[rules]]
name = "no-shell"
tools = ["run_*"]
then = "deny"
"""
BUNDLE = """
from toolcell_worker import tool

@tool(scopes=["money", "bank:write"], tags=["bank"])
def transfer(amount: int) -> int:
    \"\"\"Transfers.\"\"\"
    return amount
"""
BOB = who(name="bob", roles=["reader"])
CAROL = who(name="carol", scopes=["tools:*"])
NOBODY = who()


@pytest.fixture
def served(tmp_path: Path) -> Callable[[Callable[[Callers], Awaitable[None]]], None]:
    root = tmp_path / "root"
    for name in ("open", "closed"):
        (root / name).mkdir(parents=True)
        (root / name / "a.txt").write_text(name)

    bundle = tmp_path / "bank"
    bundle.mkdir()
    (bundle / "bank.py").write_text(BUNDLE)

    def run(scenario: Callable[[Callers], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with (
                asyncio.timeout(50),
                callers(tmp_path, SETTINGS.format(root=root, bundle=bundle)) as each,
            ):
                await scenario(each)

        asyncio.run(whole())

    return run


def request(tool: str, **arguments: Any) -> pb.RunRequest:
    return pb.RunRequest(tool=tool, arguments_json=json.dumps(arguments).encode())


def test_each_caller_calls_what_is_his(served: Any, tmp_path: Path) -> None:
    """
    The same server, the same moment: what one may do says nothing about another.
    """
    file = str(tmp_path / "root/open/a.txt")

    async def scenario(each: Callers) -> None:
        run = each.executions.Run
        read = await run(request("read_file", path=file), metadata=BOB)
        assert read.finished.outcome.HasField("completed")
        assert b"open" in read.finished.result_json
        added = await run(request("calculate", expression="2+3"), metadata=CAROL)
        assert added.finished.outcome.HasField("completed")
        told = await run(request("current_time"), metadata=NOBODY)
        assert told.finished.outcome.HasField("completed")
        for tool, caller in (("calculate", BOB), ("calculate", NOBODY), ("run_shell", CAROL)):
            code, info = await refusal(run(request(tool, expression="1"), metadata=caller))
            assert (code, info.reason) == ("PERMISSION_DENIED", "NOT_PERMITTED")

    served(scenario)


def test_a_rule_about_arguments_decides_between_neighbours(served: Any, tmp_path: Path) -> None:
    """
    The grant would give both; the rule gives one, to whoever may call the tool.
    """
    closed = str(tmp_path / "root/closed/a.txt")
    around = str(tmp_path / "root/open/../closed/a.txt")

    async def scenario(each: Callers) -> None:
        for path in (closed, around):
            for caller in (BOB, CAROL):
                call = each.executions.Run(request("read_file", path=path), metadata=caller)
                code, info = await refusal(call)
                assert (code, info.reason) == ("PERMISSION_DENIED", "DENIED_BY_RULE")
                assert info.metadata["rule"] == "open-files"

    served(scenario)


def test_a_stream_is_refused_with_the_same_words(served: Any) -> None:
    """
    Execute and Run are two faces of one admission; so is validate_only.
    """

    async def scenario(each: Callers) -> None:
        heard = set()
        for only in (False, True):
            asked = pb.ExecuteRequest(tool="calculate", validate_only=only)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await each.executions.Execute(asked, metadata=BOB).read()
            heard.add((refused.value.code(), refused.value.details()))
            run = pb.RunRequest(tool="calculate", validate_only=only)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await each.executions.Run(run, metadata=BOB)
            heard.add((refused.value.code(), refused.value.details()))
        assert len(heard) == 1

    served(scenario)


def test_a_forbidden_name_and_one_that_no_tool_has_look_alike_on_the_wire(served: Any) -> None:
    """
    Code, message and every detail, but for the name that was sent.
    """

    async def scenario(each: Callers) -> None:
        heard = set()
        for name in ("write_file", "wrote_file", "calculate", "calculata", "run_shell"):
            for call in (
                each.executions.Run(pb.RunRequest(tool=name), metadata=BOB),
                each.registry.GetTool(registry_pb2.GetToolRequest(name=name), metadata=BOB),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await call
                trailers = dict(refused.value.trailing_metadata() or ())
                told = Status.FromString(bytes(trailers["grpc-status-details-bin"]))
                info = ErrorInfo()
                assert len(told.details) == 1
                assert told.details[0].Unpack(info)
                heard.add((told.code, told.message.replace(name, "NAME"), str(info)))
        assert len(heard) == 1

    served(scenario)


def test_lists_are_each_callers_own(served: Any) -> None:
    """
    A model is told of tools that it can call, page by page.
    """

    async def names(each: Callers, caller: Any) -> list[str]:
        found, token = list[str](), ""
        while True:
            asked = registry_pb2.ListToolsRequest(page_size=1, page_token=token)
            page = await each.registry.ListTools(asked, metadata=caller)
            found += [tool.name for tool in page.tools]
            token = page.next_page_token
            if not token:
                return found

    async def scenario(each: Callers) -> None:
        assert await names(each, BOB) == ["list_files", "read_file"]
        assert await names(each, NOBODY) == ["current_time"]
        every = await names(each, CAROL)
        assert {"calculate", "write_file"} <= set(every)
        assert not [name for name in every if name.startswith("run_")]

    served(scenario)


def test_a_call_that_was_routed_is_repeated_as_it_was_called(served: Any) -> None:
    """
    A request id belongs to the call, not to the tool that a rule has put in its place.
    """

    async def scenario(each: Callers) -> None:
        asked = request("system_info")
        asked.request_id = "once"
        first = await each.executions.Run(asked, metadata=CAROL)
        again = await each.executions.Run(asked, metadata=CAROL)
        assert first.finished.outcome.HasField("completed")
        assert (again.execution_id, again.finished.replayed) == (first.execution_id, True)
        kept = pb.GetExecutionRequest(execution_id=first.execution_id)
        found = await each.executions.GetExecution(kept, metadata=CAROL)
        assert found.execution.tool == "current_time"
        direct = request("current_time")
        direct.request_id = "once"
        other = await each.executions.Run(direct, metadata=CAROL)
        assert other.execution_id != first.execution_id

    served(scenario)


def test_a_tool_asks_for_scopes_in_its_own_words(served: Any) -> None:
    """
    From the decorator in a bundle to the refusal: whoever wrote the tool said what it needs.
    """

    async def scenario(each: Callers) -> None:
        asked = request("transfer", amount=5)
        code, info = await refusal(each.executions.Run(asked, metadata=CAROL))
        assert (code, info.reason) == ("PERMISSION_DENIED", "MISSING_SCOPES")
        assert info.metadata["scopes"] == "bank:write,money"
        code, info = await refusal(each.executions.Run(asked, metadata=BOB))
        assert info.reason == "NOT_PERMITTED"
        for caller in (
            who(name="erin", scopes=["tools:transfer", "money", "bank:write"]),
            who(name="erin", roles=["teller"]),
        ):
            ran = await each.executions.Run(asked, metadata=caller)
            assert ran.finished.result_json == b"5"
        every = registry_pb2.ListToolsRequest()
        listed = await each.registry.ListTools(every, metadata=CAROL)
        assert "transfer" not in [tool.name for tool in listed.tools]

    served(scenario)


def test_a_role_holds_where_the_connection_comes_from(served: Any) -> None:
    """
    The origin is what gRPC says of its peer, as it says it.
    """

    async def scenario(each: Callers) -> None:
        asked = request("calculate", expression="1")
        here = who(name="dan", roles=["local"])
        assert (await each.executions.Run(asked, metadata=here)).finished.result_json
        there = who(name="dan", roles=["remote"])
        code, info = await refusal(each.executions.Run(asked, metadata=there))
        assert (code, info.reason) == ("PERMISSION_DENIED", "NOT_PERMITTED")

    served(scenario)
