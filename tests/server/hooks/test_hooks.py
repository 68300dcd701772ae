"""
One hook: what it is given, what counts as an answer, and what becomes of one that hangs.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hooking import hooks, module, table
from ruling import tool
from scripted_executor import DEADLINE, run
from toolcell_server.hooks.hooks import Answer, HookDidFail, Hooks
from toolcell_server.hooks.thread import MOST_IN_LINE, HookThread, HookTookTooLong
from toolcell_server.settings import SettingsError, middleware

if TYPE_CHECKING:
    from pathlib import Path

TOLD: dict[str, Any] = {"tool": "pay", "version": "1"}
FAILED = "failed"

ANSWERS: dict[str, tuple[str, Answer | str]] = {
    "nothing": ("return None", Answer()),
    "the call itself": ("return call", Answer()),
    "the same arguments": ("return call.with_arguments(dict(call.arguments))", Answer()),
    "other arguments": (
        "return call.with_arguments({**call.arguments, 'b': [True]})",
        Answer(value=b'{"a":1,"b":[true]}'),
    ),
    "true in the place of 1": (
        "return call.with_arguments({'a': True})",
        Answer(value=b'{"a":true}'),
    ),
    "the call, changed in place": (
        "call.arguments['a'] = 2; return call",
        Answer(value=b'{"a":2}'),
    ),
    "nothing, and a change in place": ("call.arguments['a'] = 2", Answer()),
    "a veto": ("return Veto('no')", Answer(veto="no")),
    "a veto that is long": ("return Veto('n' * 9999)", Answer(veto="n" * 500)),
    "a veto that is no Unicode": ("return Veto('\\ud800')", Answer(veto="?")),
    "a veto without words": ("return Veto('')", Answer(veto="")),
    "a veto of something else": ("return Veto(5)", "gave back neither"),
    "false": ("return False", "gave back neither"),
    "a class": ("return Veto", "gave back neither"),
    "a result": ("return HookResult(outcome='completed')", "gave back neither"),
    "no JSON": ("return call.with_arguments({'a': object()})", "no JSON value"),
    "no number": ("return call.with_arguments({'a': float('nan')})", "no JSON value"),
    "a circle": ("x = {}; x['x'] = x; return call.with_arguments(x)", "no JSON value"),
    "an error": ("raise ValueError('the secret')", "raised an error"),
    "the end of the program": ("raise SystemExit(1)", "raised SystemExit"),
    "a cancellation": ("import asyncio; raise asyncio.CancelledError", "cancelled itself"),
    "a timeout of its own": ("raise TimeoutError", "raised an error"),
    "the last of an iterator": ("raise StopIteration", "raised an error"),
}


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("sentence", ANSWERS)
def test_a_hook_answers_with(sentence: str, kind: str, tmp_path: Path) -> None:
    """
    Whatever is not one of three answers is a failure; its own words go to the log alone.
    """
    body, expected = ANSWERS[sentence]
    with hooks(
        tmp_path, f"{kind} before(call):\n    {body}\n", ("before", "before_admission", {})
    ) as found:
        asking = found.every[0].before(TOLD, b'{"a":1}')
        if isinstance(expected, Answer):
            assert expected == run(asking)
            return
        with pytest.raises(HookDidFail) as failed:
            run(asking)

    assert expected in str(failed.value)
    assert "secret" not in str(failed.value)


def test_a_failure_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """
    The operator finds there what the caller is not told.
    """
    body = "def before(call):\n    raise ValueError('the reason')\n"
    with (
        caplog.at_level(logging.WARNING),
        hooks(tmp_path, body, ("before", "before_admission", {})) as found,
        pytest.raises(HookDidFail),
    ):
        run(found.every[0].before(TOLD, b"{}"))

    assert "the reason" in caplog.text


ENDINGS: dict[str, tuple[str, Answer | str]] = {
    "nothing": ("return None", Answer()),
    "the result itself": ("return result", Answer(value=b'{"a":1}')),
    "the result, changed": ("result.result['a'] = 2; return result", Answer(value=b'{"a":2}')),
    "another result": ("return result.with_result([1])", Answer(value=b"[1]")),
    "no result": ("return result.with_result(None)", Answer(value=b"null")),
    "a veto": ("return Veto('no')", Answer(veto="no")),
    "another outcome": ("return HookResult(outcome='failed')", "gave back another outcome"),
    "the call": ("return call", "gave back neither"),
}


@pytest.mark.parametrize("sentence", ENDINGS)
def test_a_hook_answers_to_an_ending_with(sentence: str, tmp_path: Path) -> None:
    """
    It may put another result in the place of one, and never another outcome.
    """
    body, expected = ENDINGS[sentence]
    ending = {"outcome": "completed", "message": ""}
    with hooks(
        tmp_path, f"def after(call, result):\n    {body}\n", ("after", "after_execution", {})
    ) as found:
        asking = found.every[0].after(TOLD, b"{}", ending, b'{"a": 1}')
        if isinstance(expected, Answer):
            assert expected == run(asking)
            return
        with pytest.raises(HookDidFail, match=expected):
            run(asking)


@pytest.mark.parametrize(
    "body",
    [
        "import time\ndef before(call):\n    time.sleep(3)\n",
        "import time\nasync def before(call):\n    time.sleep(3)\n",
        "import asyncio\nasync def before(call):\n    await asyncio.sleep(3)\n",
        """
import time
def before(call):
    until = time.monotonic() + 3
    while time.monotonic() < until:
        pass
""",
    ],
)
def test_a_hook_that_hangs_stalls_nobody_else(body: str, tmp_path: Path) -> None:
    """
    The loop goes on turning while it waits, and another hook answers.
    """
    other = "def other(call):\n    return Veto('here')\n"

    async def scenario(found: Hooks) -> int:
        turns = 0
        hanging, answering = found.every
        asking = asyncio.ensure_future(hanging.before(TOLD, b"{}"))
        while not asking.done():
            assert (await answering.before(TOLD, b"{}")).veto == "here"
            turns += 1
        with pytest.raises(HookDidFail, match=r"gave no answer within 0.2 s"):
            await asking
        return turns

    with hooks(
        tmp_path,
        f"{body}\n{other}",
        ("before", "before_admission", {"timeout_seconds": 0.2}),
        ("other", "before_admission", {"timeout_seconds": 5.0}),
    ) as found:
        assert run(scenario(found)) > 2


async def hanging(thread: HookThread, free: threading.Event) -> asyncio.Future[bool]:
    """
    A call that keeps a thread busy until it is told otherwise, and has begun.
    """
    begun = threading.Event()

    def hang() -> bool:
        begun.set()
        return free.wait(DEADLINE)

    call = asyncio.ensure_future(thread.call(30.0, hang))
    await asyncio.sleep(0)
    assert await asyncio.to_thread(begun.wait, DEADLINE)
    return call


def test_what_has_not_begun_when_its_time_is_over_never_does() -> None:
    """
    A call that was refused must leave no trace, even of a hook that is only late.
    """
    begun: list[str] = []
    free = threading.Event()

    async def scenario() -> None:
        thread = HookThread("slow")
        first = await hanging(thread, free)
        with pytest.raises(HookTookTooLong):
            await thread.call(0.05, lambda: begun.append("late"))
        free.set()
        assert await first
        await thread.call(5.0, lambda: begun.append("in time"))
        thread.close()

    run(scenario())
    assert begun == ["in time"]


def test_a_hook_that_hangs_keeps_only_so_many_calls() -> None:
    """
    Callers who try again and again must not fill the memory of the server.
    """
    free = threading.Event()

    async def scenario() -> None:
        thread = HookThread("hanging")
        first = await hanging(thread, free)
        late = [thread.call(0.01, lambda: None) for _ in range(MOST_IN_LINE + 10)]
        told = [str(one) for one in await asyncio.gather(*late, return_exceptions=True)]
        assert 10 == sum("is busy" in one for one in told)
        free.set()
        assert await first
        assert await thread.call(5.0, lambda: "served again") == "served again"
        thread.close()

    run(scenario())


def test_async_hooks_serve_several_calls_at_once() -> None:
    """
    One that waits for the network must not make calls wait for each other.
    """

    async def scenario() -> int:
        thread, together = HookThread("waiting"), 0
        gate = asyncio.Event()

        async def wait() -> None:
            nonlocal together
            together += 1
            if together == 5:
                gate.set()
            await gate.wait()

        await asyncio.gather(*(thread.call(10.0, wait) for _ in range(5)))
        thread.close()
        return together

    assert run(scenario()) == 5


def test_hooks_are_met_in_their_order_at_their_place_and_for_their_tools(tmp_path: Path) -> None:
    """
    By `order`, and by their place in the file where that is the same.
    """
    body = "def a(call): pass\ndef b(call): pass\ndef c(call): pass\n"
    with hooks(
        tmp_path,
        body,
        ("a", "before_admission", {"order": 2}),
        ("b", "before_admission", {"order": 1, "tools": ["pay*"]}),
        ("c", "before_admission", {"order": 1}),
        ("a", "after_admission", {}),
    ) as found:

        def met(place: str, name: str) -> str:
            return "".join(hook.name[-1] for hook in found.at(place, tool(name)))

        assert met("before_admission", "pay") == "bca"
        assert met("before_admission", "read") == "ca"
        assert met("after_admission", "read") == "a"
        assert met("before_execution", "read") == ""
        assert found.any_at("after_admission")
        assert not found.any_at("before_execution", "after_execution")


def test_a_class_is_made_once_and_called(tmp_path: Path) -> None:
    """
    What it keeps, it keeps from call to call.
    """
    body = """
        class Counting:
            def __init__(self):
                self.calls = 0
            def __call__(self, call):
                self.calls += 1
                return Veto(str(self.calls))
        """
    with hooks(tmp_path, body, ("Counting", "before_admission", {})) as found:
        hook = found.every[0]

        async def scenario() -> list[str | None]:
            return [(await hook.before(TOLD, b"{}")).veto for _ in range(3)]

        assert run(scenario()) == ["1", "2", "3"]


BROKEN: dict[str, tuple[str, str, str]] = {
    "a module that is not there": ("", "no_such_module:before", "ModuleNotFoundError"),
    "a name that is not there": ("", "{}:before", "AttributeError"),
    "a module that raises": ("raise RuntimeError('no database')", "{}:before", "no database"),
    "a module that ends the program": ("raise SystemExit", "{}:before", "ended the program"),
    "a module that is no Python": ("def", "{}:before", "SyntaxError"),
    "a value": ("before = 5", "{}:before", "cannot be called"),
    "a class that asks for something": (
        "class before:\n    def __init__(self, x): pass",
        "{}:before",
        "TypeError",
    ),
    "a class whose instances are not called": ("class before: pass", "{}:before", "be called"),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_the_server_does_not_start_with(sentence: str, tmp_path: Path) -> None:
    """
    Whoever writes a veto counts on it; without it nothing runs.
    """
    body, where, told = BROKEN[sentence]
    given = where.format(module(tmp_path, body))
    found = Hooks.of(middleware.build([table(tmp_path, given, "before_admission")]))
    with pytest.raises(SettingsError) as refused:
        found.load()

    assert told in str(refused.value)
    assert given in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_of_hooks_never_stands_for_a_part_of_python(tmp_path: Path) -> None:
    """
    A module of the folder is found by what it is named as; what others import is not found there.
    """
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('not the real one')")
    body = "import colorsys\ndef before(call): return Veto(str(colorsys.ONE_THIRD))\n"
    with hooks(tmp_path, body, ("before", "before_admission", {})) as found:
        assert (run(found.every[0].before(TOLD, b"{}")).veto or "").startswith("0.33")

    (tmp_path / "json.py").write_text("def before(call): pass")
    given = table(tmp_path, "json:before", "before_admission")
    taken = Hooks.of(middleware.build([given]))
    with pytest.raises(SettingsError, match="another module is called json"):
        taken.load()


def test_a_module_that_everybody_can_write_is_not_loaded(tmp_path: Path) -> None:
    """
    Whoever can write it is the server.
    """
    name = module(tmp_path, "def before(call): pass")
    (tmp_path / f"{name}.py").chmod(0o646)
    found = Hooks.of(middleware.build([table(tmp_path, f"{name}:before", "before_admission")]))
    with pytest.raises(SettingsError, match="everybody can write"):
        found.load()
