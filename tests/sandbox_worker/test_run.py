from __future__ import annotations

import asyncio
import errno
import json
import threading
from collections.abc import AsyncIterator, Generator, Iterator  # noqa: TC003  # read from hints
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from performing import Performance, perform
from raised_frames import RAISED_KEYS
from toolcell_worker import Context, ToolError, tool
from toolcell_worker.authoring import definition_of
from toolcell_worker.bundle import BundleSpec, load
from toolcell_worker.wire import Frame


@dataclass
class Pair:
    left: Any
    right: Any = None


def run(function: Any, arguments: dict[str, Any] | None = None, **changes: Any) -> Performance:
    found = definition_of(tool(description="Does.")(function))
    assert found is not None
    return perform(found, arguments or {}, **changes)


def returning(value: Any) -> Performance:
    def returns() -> Any:
        return value

    return run(returns)


def raising(exc: BaseException) -> dict[str, Any]:
    def raises() -> None:
        raise exc

    return run(raises).raised


def test_a_result_is_the_last_and_only_frame_of_a_plain_tool() -> None:
    """
    The simplest tool costs one frame.
    """

    def add(a: int, b: int) -> int:
        return a + b

    performance = run(add, {"a": 2, "b": 3})

    assert (performance.code, performance.frames) == (0, [(Frame.RESULT, 5)])


def test_a_coroutine_is_awaited() -> None:
    """
    Many tools are written with asyncio.
    """

    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert run(answer).result == 42


def test_a_generator_sends_each_value_as_it_comes_and_then_its_result() -> None:
    """
    A caller sees what is already known.
    """

    def count() -> Generator[int, None, str]:
        yield 1
        yield 2
        return "done"

    frames = run(count).frames

    assert frames == [(Frame.PARTIAL, 1), (Frame.PARTIAL, 2), (Frame.RESULT, "done")]


def test_an_async_generator_sends_each_value_and_results_in_null() -> None:
    """
    Python lets it return nothing else.
    """

    async def count() -> AsyncIterator[dict[str, int]]:
        yield {"n": 1}
        await asyncio.sleep(0)
        yield {"n": 2}

    frames = run(count).frames

    assert frames == [(Frame.PARTIAL, {"n": 1}), (Frame.PARTIAL, {"n": 2}), (Frame.RESULT, None)]


def test_what_a_generator_yielded_before_it_failed_was_sent() -> None:
    """
    Partial results are kept on every ending.
    """

    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    performance = run(fails)

    assert performance.of(Frame.PARTIAL) == [1]
    assert performance.raised["message"] == "no more"


def test_a_context_speaks_and_knows_its_execution() -> None:
    """
    Logs, progress and partial values arrive in the order in which they were said.
    """

    def work(context: Context) -> list[Any]:
        context.log("begun", "debug", size=3, odd=object)
        context.progress(0.25, "reading")
        context.progress(7)
        context.progress(float("nan"))
        context.partial([1])
        context.denied("open", "/etc/shadow")
        return [context.execution_id, context.call_id, 0 < context.remaining() <= 30]

    performance = run(work)

    assert performance.frames == [
        (
            Frame.LOG,
            {"level": "debug", "message": "begun", "fields": {"size": 3, "odd": str(object)}},
        ),
        (Frame.PROGRESS, {"fraction": 0.25, "message": "reading"}),
        (Frame.PROGRESS, {"fraction": 1.0, "message": ""}),
        (Frame.PROGRESS, {"fraction": None, "message": ""}),
        (Frame.PARTIAL, [1]),
        (
            Frame.DENIED,
            {"wall": "", "operation": "open", "target": "/etc/shadow", "reason": "not_granted"},
        ),
        (Frame.RESULT, ["execution-1", "call-1", True]),
    ]


def test_frames_of_several_threads_never_mix() -> None:
    """
    Two frames written at once would be garbage to the server.
    """

    def work(context: Context) -> int:
        def speak(number: int) -> None:
            for _ in range(50):
                context.log("x" * 5000, number=number)

        threads = [threading.Thread(target=speak, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 0

    performance = run(work)

    assert len(performance.of(Frame.LOG)) == 400
    assert performance.result == 0


def test_nothing_follows_the_last_frame() -> None:
    """
    A thread that outlives the tool must not speak after RESULT.
    """
    ended, spoken = threading.Event(), threading.Event()

    def work(context: Context) -> int:
        def late() -> None:
            ended.wait(10)
            context.log("too late")
            spoken.set()

        threading.Thread(target=late).start()
        return 1

    performance = run(work)
    ended.set()

    assert spoken.wait(10)
    assert performance.frames == [(Frame.RESULT, 1)]


def test_an_undecodable_log_message_is_sent_legibly() -> None:
    """
    File names need not be Unicode, and are often logged.
    """

    def work(context: Context) -> None:
        context.log("opened \udcff", name="\udcff")

    (log,) = run(work).of(Frame.LOG)

    assert log == {"level": "info", "message": "opened \\udcff", "fields": {"name": "\\udcff"}}


def test_a_tool_error_arrives_with_all_that_it_says() -> None:
    """
    Its author knows best what a caller should do.
    """
    error = ToolError("no such city", "NO_CITY", "user", True, "Try Ulm.", "Which city?")
    found = raising(error)

    said = {k: found[k] for k in ("message", "code", "category", "retryable", "hint", "spoken")}
    assert said == {
        "message": "no such city",
        "code": "NO_CITY",
        "category": "user",
        "retryable": True,
        "hint": "Try Ulm.",
        "spoken": "Which city?",
    }
    assert set(found) == set(RAISED_KEYS)


ENDINGS: dict[str, tuple[BaseException, dict[str, Any]]] = {
    "an exception of the tool": (
        ValueError("bad"),
        {"exception": "ValueError", "message": "bad", "category": "unknown", "limit": ""},
    ),
    "an exception without a text": (
        KeyError(),
        {"exception": "KeyError", "message": "KeyError"},
    ),
    "no memory": (
        MemoryError(),
        {"limit": "memory", "category": "permanent"},
    ),
    "too large a file": (OSError(errno.EFBIG, "File too large"), {"limit": "file_size"}),
    "a full disk": (OSError(errno.ENOSPC, "No space left"), {"limit": "disk"}),
    "a used-up quota": (OSError(errno.EDQUOT, "Quota exceeded"), {"limit": "disk"}),
    "too many open files": (OSError(errno.EMFILE, "Too many open files"), {"limit": "open_files"}),
    "no thread to be had": (RuntimeError("can't start new thread"), {"limit": "processes"}),
    "the other side hung up": (
        ConnectionResetError(errno.ECONNRESET, "reset"),
        {"category": "temporary", "retryable": True, "limit": ""},
    ),
    "a recursion without end": (
        RecursionError("maximum recursion depth exceeded"),
        {"exception": "RecursionError", "category": "permanent"},
    ),
    "sys.exit with a text": (
        SystemExit("the input is empty"),
        {"exception": "SystemExit", "message": "the input is empty", "exit_code": 1},
    ),
    "sys.exit with a number": (SystemExit(3), {"exit_code": 3}),
    "sys.exit without anything": (SystemExit(), {"exit_code": 0, "exception": "SystemExit"}),
    "an interrupt": (KeyboardInterrupt(), {"exception": "KeyboardInterrupt"}),
    "a file that is a directory": (
        IsADirectoryError(errno.EISDIR, "Is a directory", "/tmp"),
        {"category": "user", "limit": "", "denials": []},
    ),
}


@pytest.mark.parametrize(("exc", "expected"), ENDINGS.values(), ids=ENDINGS)
def test_each_ending_is_named(exc: BaseException, expected: dict[str, Any]) -> None:
    """
    Programs decide by these fields whether to retry, to correct or to give up.
    """
    found = raising(exc)

    assert {key: found[key] for key in expected} == expected
    assert set(found) == set(RAISED_KEYS)
    assert found["spoken"]


def test_every_limit_comes_with_a_hint() -> None:
    """
    A model that only reads "exceeded" does the same again.
    """
    hints = [raising(exc)["hint"] for exc, found in ENDINGS.values() if found.get("limit")]

    assert len(hints) == 6
    assert all(hints)


def test_the_limit_behind_another_exception_is_found() -> None:
    """
    Libraries wrap what the kernel says.
    """

    def save() -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        raise RuntimeError("could not save the model") from full

    found = run(save).raised

    assert (found["limit"], found["exception"]) == ("disk", "RuntimeError")


def test_a_tool_error_about_a_limit_stays_the_tools_own_word() -> None:
    """
    A tool that caught it and says so has not been ended by it.
    """

    def save() -> None:
        raise ToolError("too large for this method") from MemoryError()

    assert run(save).raised["limit"] == ""


def test_a_result_above_the_limit_is_refused() -> None:
    """
    The server would have to hold it.
    """

    def returns() -> str:
        return "x" * 100

    fits, exceeds = run(returns, result_bytes=102), run(returns, result_bytes=101)

    assert fits.result == "x" * 100
    assert exceeds.raised["limit"] == "result"
    assert exceeds.code == 1


def test_a_partial_value_above_the_limit_ends_the_tool() -> None:
    """
    Else a generator would get around the limit.
    """

    def yields() -> Iterator[str]:
        yield "x" * 100

    performance = run(yields, result_bytes=50)

    assert performance.raised["limit"] == "result"
    assert performance.of(Frame.PARTIAL) == []


UNENCODABLE: dict[str, tuple[Any, list[str]]] = {
    "an object in a list in a dict": ({"a": [1, object()]}, ["$.a[1]", "object"]),
    "an object in a dataclass": (Pair([{"b": 1j}]), ["$.left[0].b", "complex"]),
    "a dict with tuples as keys": ({"a": {(1, 2): 3}}, ["$.a", "tuple"]),
    "not a number": ({"mean": float("nan")}, ["$.mean", "nan"]),
    "infinity in a dataclass": (Pair([1.0, float("inf")]), ["$.left[1]", "inf"]),
    "half a character": (["ok", "\ud83d"], ["$[1]", "surrogate"]),
    "a function": (len, ["$", "builtin_function_or_method"]),
}


@pytest.mark.parametrize(("value", "words"), UNENCODABLE.values(), ids=UNENCODABLE)
def test_a_result_that_is_not_json_says_what_and_where(value: Any, words: list[str]) -> None:
    """
    "Object of type X is not JSON serializable" sends its author searching.
    """
    found = returning(value).raised

    assert found["code"] == "RESULT_INVALID"
    assert [word for word in words if word not in found["message"]] == []


def test_a_result_that_contains_itself_is_refused() -> None:
    """
    It has no end as JSON.
    """
    loop: list[Any] = []
    loop.append(loop)

    assert "contains itself" in returning(loop).raised["message"]


def test_a_null_in_a_result_is_not_taken_for_a_number() -> None:
    """
    NaN is found by looking at nulls; real ones must pass.
    """
    assert returning({"a": None, "b": [1.5, None]}).result == {"a": None, "b": [1.5, None]}


def test_a_path_in_a_result_is_its_text() -> None:
    """
    It is what authors return most often that JSON lacks.
    """
    assert returning([Path("/tmp/x")]).result == ["/tmp/x"]


def test_a_result_of_another_type_than_declared_is_refused() -> None:
    """
    Callers compile the schema of the result: what does not fit it would break them instead.
    """

    def count() -> int:
        return "many"  # type: ignore[return-value]

    found = run(count).raised

    assert found["code"] == "RESULT_INVALID"
    assert "Expected `int`, got `str`" in found["message"]


def test_wrong_arguments_never_reach_the_function() -> None:
    """
    A tool may rely on its annotations.
    """
    called = []

    def takes(x: int) -> None:
        called.append(x)

    found = run(takes, {"x": "one"}).raised

    assert (found["code"], found["category"], called) == ("ARGUMENTS_INVALID", "user", [])
    assert found["traceback"] == ""
    assert "'x'" in found["hint"]


def test_a_traceback_shows_the_tools_frames_only() -> None:
    """
    Ours tell its author nothing, and paths of the host tell a caller too much.
    """

    async def outer() -> None:
        inner()

    def inner() -> None:
        raise ValueError("deep")

    text = run(outer).raised["traceback"]

    assert "in outer" in text
    assert "in inner" in text
    assert text.rstrip().endswith("ValueError: deep")
    assert not [word for word in ("/run.py", "definition.py", "asyncio") if word in text]


def test_a_traceback_is_bounded_and_keeps_its_end() -> None:
    """
    It travels in a frame, and its last line is the one that counts.
    """

    def raises() -> None:
        raise KeyError("the last word") from ValueError("first " + "x" * 20_000)

    text = run(raises).raised["traceback"]

    assert len(text.encode()) <= 8 * 1024
    assert "first" in text
    assert "the last word" in text


def test_an_exception_that_cannot_be_printed_still_ends_the_tool() -> None:
    """
    `__str__` is the tool's code, too.
    """

    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError("no")

    found = raising(Mute())

    assert found["exception"] == "Mute"
    assert found["message"]


def test_what_the_tool_printed_is_out_before_its_last_frame(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """
    The server reads what is in the pipe when the last frame comes.
    """

    def prints() -> None:
        print("half a line", end="")

    performance = run(prints)

    assert performance.result is None
    assert capfd.readouterr().out == "half a line"


def test_a_decorated_function_that_returns_a_coroutine_is_awaited() -> None:
    """
    Decorators often hide that a function is async.
    """

    async def hidden() -> str:
        return "found"

    def shows() -> Any:
        return hidden()

    assert run(shows).result == "found"


def test_arguments_that_are_not_an_object_are_refused() -> None:
    """
    The server never sends them; a test that calls a tool directly may.
    """

    def takes() -> None:
        pass

    found = definition_of(tool(description="Does.")(takes))
    assert found is not None
    for arguments in (b"[]", b"{", json.dumps("x").encode()):
        with pytest.raises(ToolError, match="the arguments are not"):
            found.call(arguments, Context())


def test_paths_in_a_traceback_are_relative_to_the_bundle(tmp_path: Path) -> None:
    """
    Where the operator keeps it is nobody's business.
    """
    code = "from toolcell_worker import tool\n@tool\ndef f() -> None:\n    'Does.'\n    1 / 0\n"
    (tmp_path / "divide.py").write_text(code)
    found = load(BundleSpec(name="mine", path=str(tmp_path))).tools["f", "1"]
    text = perform(found, {}).raised["traceback"]

    assert 'File "divide.py", line 5, in f' in text
    assert "1 / 0" in text
    assert str(tmp_path) not in text


def test_a_deeply_nested_result_with_nulls_is_no_error() -> None:
    """
    Looking for NaN must not fail where encoding does not.
    """
    value: Any = None
    for _ in range(100):
        value = [value]

    assert returning(value).result == value
