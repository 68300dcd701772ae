"""
Tools that live at a client of ours, called over a real socket as any other.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Literal

import pytest
from running_server import Server, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import AsyncClient, Client
from toolcell_client.errors import (
    ApprovalRequired,
    FieldNotSupported,
    InvalidArguments,
    IsolationBelowFloor,
    QuotaExceeded,
    SwitchedOff,
    UnknownTool,
)
from toolcell_client.hosting import (
    AsyncHostedCall,
    BadTool,
    Cancelled,
    HostedCall,
    ToolError,
    hosted,
)
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SETTINGS = "[hosts]\nenabled = true\ncancel_grace_seconds = 0.5\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "state").mkdir(mode=0o700)
    with start_server(
        folder, SETTINGS, flags=("--set", f"state_dir={folder / 'state'}")
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left(server: Server) -> Iterator[None]:
    yield
    wait_until(lambda: "toolcell_hosts 0.0" in server.scrape())
    assert "toolcell_hosted_calls 0.0" in server.scrape()


def look_up(city: str, unit: Literal["people", "households"] = "people") -> dict[str, str | int]:
    """
    Looks up a city.

    Args:
        city: not told to the model.
    """
    return {"city": city, "population": 7, "unit": unit}


async def double(number: float) -> float:
    """
    Doubles a number.
    """
    await asyncio.sleep(0)
    return number * 2


def test_a_function_is_listed_called_and_gone_with_its_host(client: Client) -> None:
    with client.hosting(look_up, double):
        listed = {tool.name: tool for tool in client.list_tools() if tool.hosted}
        result = client.run("look_up", {"city": "Rome"})
        doubled = client.run("double", {"number": 21})
        with pytest.raises(InvalidArguments):
            client.run("look_up", {"city": 7})
    with pytest.raises(UnknownTool):
        client.run("look_up", {"city": "Rome"})

    assert {"look_up", "double"} == listed.keys()
    assert ("Looks up a city.", 1) == (listed["look_up"].description, listed["look_up"].hosts)
    assert {"city": "Rome", "population": 7, "unit": "people"} == result.value
    assert 42 == doubled.value


def test_an_asynchronous_client_hosts_and_calls(server: Server) -> None:
    async def scenario() -> list[Any]:
        async with AsyncClient(server.target) as client, client.hosting(double, look_up):
            calls = (client.run("double", {"number": number}) for number in range(20))
            return [result.value for result in await asyncio.gather(*calls)]

    assert [number * 2 for number in range(20)] == asyncio.run(scenario())


def test_a_host_by_decorators_serves_until_it_is_told_to_stop(client: Client) -> None:
    host = client.host(concurrency=2)

    @host.tool(version="2", effects="read_only", description="Says hello.")
    def greet(name: str) -> str:
        return f"hello {name}"

    serving = threading.Thread(target=host.run)
    serving.start()
    wait_until(lambda: any(tool.name == "greet" for tool in client.list_tools()))
    result = client.run("greet", {"name": "you"}, version="2")
    host.stop()
    serving.join(20)

    assert not serving.is_alive()
    assert ("hello you", "hello me") == (result.value, greet("me"))


def test_events_come_from_the_host_in_order(client: Client) -> None:
    def report(call: HostedCall) -> str:
        """
        Reports.
        """
        call.print("one\n")
        call.log("two", level="warning", number=2)
        call.progress(0.5, "three")
        call.partial({"four": 4})
        call.print("five\n", error=True)
        return "done"

    with client.hosting(report):
        events = list(client.execute("report"))

    kinds = [event.WhichOneof("event") for event in events]
    assert [
        *("accepted", "started", "output", "log", "progress", "partial", "output", "finished")
    ] == kinds
    assert (b"one\n", b"five\n") == (events[2].output.data, events[6].output.data)
    assert (pb.LOG_LEVEL_WARNING, b'{"number": 2}') == (
        events[3].log.level,
        events[3].log.fields_json,
    )
    assert 4 == events[-1].finished.usage.stdout_bytes


def test_generators_yield_partial_values(client: Client) -> None:
    def count(most: int) -> Iterator[int]:
        """
        Counts.
        """
        yield from range(most)

    async def count_later(most: int) -> AsyncIterator[int]:
        """
        Counts.
        """
        for number in range(most):
            yield number

    with client.hosting(count, count_later):
        for name in ("count", "count_later"):
            events = list(client.execute(name, {"most": 3}))
            values = [e.partial.value_json for e in events if e.HasField("partial")]
            assert [b"0", b"1", b"2"] == values


def test_its_report_says_that_nothing_encloses_it(client: Client) -> None:
    with client.hosting(look_up):
        events = list(client.execute("look_up", {"city": "Rome"}))
    for report in (events[1].started.isolation, events[-1].finished.isolation):
        assert pb.ISOLATION_LEVEL_NONE == report.level
        assert {pb.WALL_STATUS_ABSENT} == {wall.status for wall in report.walls}
        assert len(report.walls) == len(pb.Wall.keys()) - 1
        assert "outside every cell" in report.walls[0].reason


@pytest.mark.parametrize("level", ["basic", "strong", "full"])
def test_a_caller_who_demands_isolation_is_refused(client: Client, level: str) -> None:
    with (
        client.hosting(look_up),
        pytest.raises(IsolationBelowFloor, match="this tool has none: it is hosted"),
    ):
        client.run("look_up", {"city": "Rome"}, minimum_isolation=level)


def test_what_only_a_cell_enforces_is_refused_in_a_call(client: Client) -> None:
    with client.hosting(look_up):
        with pytest.raises(FieldNotSupported, match=r"limits\.memory_bytes"):
            client.run("look_up", {"city": "Rome"}, limits={"memory_bytes": 1000})
        assert client.run("look_up", {"city": "Rome"}, limits={"result_bytes": 1000}).ok


def test_without_the_switch_hosting_is_refused_by_name(tmp_path: Any) -> None:
    with (
        start_server(tmp_path) as plain,
        Client(plain.target) as client,
        pytest.raises(SwitchedOff, match=r"hosts\.enabled"),
        client.hosting(look_up),
    ):
        pass


def test_what_a_function_raises_is_told_and_not_where(client: Client) -> None:
    def charge() -> None:
        """
        Charges.
        """
        raise ToolError(
            "the card is declined", "DECLINED", "user", hint="Ask for another card.", spoken="No."
        )

    def break_down() -> None:
        """
        Breaks.
        """
        raise KeyError("secret of this program")

    def no_json() -> object:
        """
        Returns what is not JSON.
        """
        return {1, 2}

    with client.hosting(charge, break_down, no_json):
        declined = client.run("charge").outcome
        broken = client.run("break_down").outcome
        other = client.run("no_json").outcome

    assert ("ToolError", "DECLINED") == (declined.failed.exception, declined.failed.code)
    assert (pb.ERROR_CATEGORY_USER, "Ask for another card.") == (declined.category, declined.hint)
    assert ("KeyError", "") == (broken.failed.exception, broken.failed.traceback)
    assert "TypeError" == other.failed.exception


def test_large_results_and_too_large_ones(client: Client) -> None:
    def fill(size: int) -> str:
        """
        Fills.
        """
        return "x" * size

    with client.hosting(fill):
        assert 3_500_000 == len(client.run("fill", {"size": 3_500_000}).value)
        too_large = client.run("fill", {"size": 5_000_000}).outcome

    assert pb.LIMIT_RESULT == too_large.exceeded.limit


def test_output_is_bounded_as_that_of_a_cell(client: Client) -> None:
    def shout(size: int, call: HostedCall) -> None:
        """
        Shouts.
        """
        for _ in range(size // 100_000):
            call.print("x" * 100_000)

    with client.hosting(shout):
        truncated = client.run("shout", {"size": 4_000_000})
        flood = client.run("shout", {"size": 20_000_000})

    assert truncated.ok
    assert truncated.truncated
    assert 4_000_000 == truncated.usage.stdout_bytes
    assert pb.LIMIT_OUTPUT == flood.outcome.exceeded.limit


class Sleeper:
    """
    A tool that sleeps until it is cancelled, and says so.
    """

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()

    async def sleep_long(self) -> None:
        """
        Sleeps.
        """
        self.begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            self.ended.set()

    def work_long(self, call: HostedCall) -> None:
        """
        Works.
        """
        self.begun.set()
        try:
            while True:
                call.progress()
                time.sleep(0.01)
        except Cancelled:
            self.ended.set()
            raise


@pytest.mark.parametrize("name", ["sleep_long", "work_long"])
def test_a_cancellation_reaches_the_function(client: Client, name: str) -> None:
    sleeper = Sleeper()
    with client.hosting(getattr(sleeper, name)):
        stream = client.execute(name)
        next(stream)
        assert sleeper.begun.wait(20)
        stream.cancel()
        outcome = stream.result().outcome
        assert sleeper.ended.wait(20)

    assert pb.CANCEL_REASON_REQUESTED == outcome.cancelled.reason


@pytest.mark.parametrize("name", ["sleep_long", "work_long"])
def test_a_deadline_reaches_the_function(client: Client, name: str) -> None:
    sleeper = Sleeper()
    with client.hosting(getattr(sleeper, name)):
        outcome = client.run(name, timeout=0.5).outcome
        assert sleeper.ended.wait(20)

    assert pb.LIMIT_TIMEOUT == outcome.exceeded.limit


def test_the_server_holds_a_function_to_its_wall_limit(client: Client) -> None:
    """
    One that cannot be stopped, too: the call ends, and its place is taken until it does.
    """
    go_on = threading.Event()

    def stubborn() -> None:
        """
        Waits, whatever happens.
        """
        go_on.wait(60)

    host = client.host(concurrency=1)
    host.tool(stubborn, limits={"wall_seconds": 0.3})
    with host:
        outcome = client.run("stubborn").outcome
        busy = client.run("stubborn", timeout=0.5).outcome
        go_on.set()
        again = client.run("stubborn")

    assert pb.LIMIT_WALL == outcome.exceeded.limit
    assert pb.LIMIT_TIMEOUT == busy.exceeded.limit
    assert again.ok


def test_several_hosts_share_and_a_slow_one_keeps_nobody_waiting(client: Client) -> None:
    held, seen = threading.Event(), list[str]()

    def hosted_by(name: str, held: threading.Event | None) -> Any:
        def serve(number: int) -> str:
            """
            Serves.
            """
            seen.append(name)
            if held is not None:
                held.wait(60)
            return name

        return serve

    slow = client.host(hosted_by("slow", held), concurrency=1)
    good = client.host(hosted_by("good", None), concurrency=1)
    with slow, good:
        assert 2 == client.get_tool("serve").hosts
        streams = [client.execute("serve", {"number": 0}) for _ in range(2)]
        wait_until(lambda: {"slow", "good"} == set(seen))
        values = [client.run("serve", {"number": number}).value for number in range(5)]
        held.set()
        ended = {stream.result().value for stream in streams}

    assert ["good"] * 5 == values
    assert {"slow", "good"} == ended


def test_a_preview_of_a_call_runs_nothing(client: Client) -> None:
    ran = threading.Event()

    def act() -> None:
        """
        Acts.
        """
        ran.set()

    with client.hosting(act):
        assert client.run("act", validate_only=True).ok
        assert not ran.is_set()
        assert client.run("act").ok

    assert ran.is_set()


def test_it_is_governed_as_any_tool(client: Client) -> None:
    """
    The same call is replayed, one too many is refused, and what is destructive waits for a yes.
    """
    ran = list[int]()

    def pay(amount: int) -> int:
        """
        Pays.
        """
        ran.append(amount)
        return amount

    def wipe() -> None:
        """
        Wipes.
        """

    host = client.host()
    host.tool(pay, rates={"calls_per_day": 2})
    host.tool(wipe, effects="destructive", approval="confirm")
    with host:
        first = client.run("pay", {"amount": 1}, request_id="once")
        again = client.run("pay", {"amount": 1}, request_id="once")
        client.run("pay", {"amount": 2})
        with pytest.raises(QuotaExceeded):
            client.run("pay", {"amount": 3})
        with pytest.raises(ApprovalRequired) as asked:
            client.run("wipe")
        confirmed = client.run("wipe", approval_token=asked.value.token)

    assert ([1, 2], True, 1) == (ran, again.replayed, again.value)
    assert first.execution_id == again.execution_id
    assert confirmed.ok


def test_a_function_that_cannot_be_hosted_is_refused_before_anything_is_sent(
    client: Client,
) -> None:
    def undocumented(x: int) -> int:
        return x

    def unhinted(x) -> int:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """
        Has no hint.
        """
        return int(x)

    def odd(x: complex) -> None:
        """
        Has a hint that JSON does not have.
        """

    for function, why in (
        (undocumented, "docstring"),
        (unhinted, "type hint"),
        (odd, "complex.*parameters="),
    ):
        with pytest.raises(BadTool, match=why):
            client.host(function)
    with pytest.raises(BadTool, match="twice"):
        client.host(look_up, look_up).run()
    with pytest.raises(BadTool, match="nothing is offered"):
        client.host().run()


def test_an_explicit_schema_serves_where_hints_do_not(client: Client) -> None:
    @hosted(parameters={"type": "object", "properties": {"x": {"type": "number"}}})
    async def odd(x: Any = 1, call: AsyncHostedCall | None = None) -> Any:
        """
        Has a schema of its own.
        """
        return x

    with client.hosting(odd):
        assert 2.5 == client.run("odd", {"x": 2.5}).value
