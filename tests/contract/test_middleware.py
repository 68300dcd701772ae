"""
Hooks of an operator in a running server: installed modules, a real socket, real cells.
"""

from __future__ import annotations

import contextlib
import json
import textwrap
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from plain_calls import PlainCalls
from running_server import NotStarted, start_server
from toolcell.v1 import execution_pb2 as pb
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODULE = """
    import time
    from toolcell_server.middleware import HookCall, HookResult, Veto

    def before(call: HookCall) -> HookCall | Veto | None:
        match call.arguments.get("expression"):
            case "veto":
                return Veto("no sums today")
            case "raise":
                raise ValueError("the operator's secret")
            case "type":
                return call.with_arguments({"expression": 5})
            case "size":
                return call.with_arguments({"expression": "1" * 2_000_000})
            case expression:
                return call.with_arguments({"expression": f"10*({expression})"})

    def hang(call: HookCall) -> None:
        if call.arguments["expression"] == "hang":
            time.sleep(2)

    def late(call: HookCall) -> HookCall | Veto | None:
        if "veto late" in call.arguments["expression"]:
            return Veto("too late")
        if "alter late" in call.arguments["expression"]:
            return call.with_arguments({"expression": "1"})

    class After:
        async def __call__(self, call, result):
            if result.outcome == "completed":
                value = result.result["value"]
                if value == 110:
                    return Veto("nobody knows eleven")
                if value == 120:
                    raise ValueError("the operator's secret")
                return result.with_result({**result.result, "value": value + 1})

    def start(call):
        assert call.execution_id
        if call.arguments["expression"] == "10*(13)":
            return Veto("unlucky")
    """
SETTINGS = """
[[middleware]]
module = "operators_hooks:before"
at = "before_admission"
tools = ["calculate"]
[[middleware]]
module = "operators_hooks:hang"
at = "before_admission"
tools = ["calculate"]
order = -1
timeout_seconds = 0.3
[[middleware]]
module = "operators_hooks:late"
at = "after_admission"
tools = ["calculate"]
[[middleware]]
module = "operators_hooks:start"
at = "before_execution"
tools = ["calculate"]
[[middleware]]
module = "operators_hooks:After"
at = "after_execution"
tools = ["calculate"]
[[rules]]
tools = ["calculate"]
when = [{ argument = "/expression", is = "equals", value = "10*(6)" }]
then = "deny"
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainCalls]:
    folder = tmp_path_factory.mktemp("installed")
    (folder / "operators_hooks.py").write_text(textwrap.dedent(MODULE))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder))
        server = start_server(tmp_path_factory.mktemp("server"), SETTINGS)
    with server:
        yield PlainCalls(server.target)


def asked(expression: str) -> pb.RunRequest:
    arguments = json.dumps({"expression": expression}).encode()
    return pb.RunRequest(tool="calculate", arguments_json=arguments)


def calculated(calls: PlainCalls, expression: str) -> Any:
    return calls.run("calculate", asked(expression).arguments_json).finished


def test_hooks_alter_arguments_and_change_results(calls: PlainCalls) -> None:
    """
    Ten times two, and one: both have been there, in the order of the stations.
    """
    finished = calculated(calls, "2")

    assert json.loads(finished.result_json)["value"] == 21
    assert finished.result_bytes == len(finished.result_json)


def test_calls_of_other_tools_meet_no_hook(calls: PlainCalls) -> None:
    """
    A hook names its tools.
    """
    assert calls.run("current_time").finished.outcome.HasField("completed")


REFUSED: dict[str, tuple[str, str, str]] = {
    "veto": ("PERMISSION_DENIED", "VETOED", "no sums today"),
    "raise": ("UNAVAILABLE", "HOOK_FAILED", "raised an error"),
    "type": ("UNAVAILABLE", "HOOK_FAILED", "the tool's schema does not allow"),
    "size": ("UNAVAILABLE", "HOOK_FAILED", "bytes"),
    "veto late": ("PERMISSION_DENIED", "VETOED", "too late"),
    "alter late": ("UNAVAILABLE", "HOOK_FAILED", "altered arguments"),
    "6": ("PERMISSION_DENIED", "DENIED_BY_RULE", "does not allow"),
}


@pytest.mark.parametrize("expression", REFUSED)
def test_refused_is(expression: str, calls: PlainCalls) -> None:
    """
    Nothing ran; the caller hears which hook it was, and none of its own words but a veto's.  The
    rule about arguments judges what a hook made of them.
    """
    code, reason, told = REFUSED[expression]
    refused = calls.refused(asked(expression))

    assert (refused.code, refused.reason) == (code, reason)
    assert told in refused.message
    assert "secret" not in refused.message


def test_a_hook_that_hangs_fails_its_own_calls_and_serves_again(calls: PlainCalls) -> None:
    """
    As soon as it is done; other tools never wait.
    """
    refused = calls.refused(asked("hang"))
    assert (refused.code, refused.reason) == ("UNAVAILABLE", "HOOK_FAILED")
    assert "gave no answer within 0.3 s" in refused.message
    assert calls.run("current_time").finished.outcome.HasField("completed")
    assert calls.refused(asked("2")).reason == "HOOK_FAILED", "it hangs no longer"

    def serves() -> bool:
        with contextlib.suppress(grpc.RpcError):
            return bool(calculated(calls, "2").result_json)
        return False

    wait_until(serves)


ENDED: dict[str, tuple[str, str]] = {
    "11": ("failed", "nobody knows eleven"),
    "12": ("lost", "raised an error; the tool ran, and its result is withheld"),
    "13": ("failed", "unlucky; nothing ran"),
}


@pytest.mark.parametrize("expression", ENDED)
def test_an_execution_ends_with(expression: str, calls: PlainCalls) -> None:
    """
    A result is withheld as a whole, its size included.
    """
    kind, told = ENDED[expression]
    finished = calculated(calls, expression)

    assert kind == finished.outcome.WhichOneof("kind")
    assert told in finished.outcome.message
    assert (finished.result_json, finished.result_bytes) == (b"", 0)
    assert "secret" not in str(finished)


@pytest.mark.parametrize("module", ["no_such_module:before", "json:no_such_name", "os:sep"])
def test_the_server_does_not_start_without_its_hooks(module: str, tmp_path: Path) -> None:
    """
    It says which, and why, on one line.
    """
    settings = f'[[middleware]]\nmodule = "{module}"\nat = "before_admission"\n'
    with pytest.raises(NotStarted) as refused:
        start_server(tmp_path, settings)

    assert f'middleware.module = "{module}"' in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_folder_of_hooks_is_enough(tmp_path: Path, start: Callable[..., Any]) -> None:
    """
    Nothing need be installed.
    """
    (tmp_path / "mine.py").write_text(
        "from toolcell_server.middleware import Veto\ndef no(call): return Veto('mine')\n"
    )
    settings = f'[[middleware]]\nmodule = "mine:no"\npath = "{tmp_path}"\nat = "before_admission"\n'
    calls = PlainCalls(start(settings).target)

    assert "mine" in calls.refused(pb.RunRequest(tool="current_time")).message
