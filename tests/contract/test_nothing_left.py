"""
Two hundred calls that end in every way there is, and then: nothing is left of them.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import Holdings, at_rest, holdings, settled
from running_server import Server, start_server
from toolcell_client import CallRefused, Client
from toolcell_server.slots import RESTING
from toolcell_server.watchdog import LOOKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from toolcell_client import Result

MIXED = Path(__file__).parent / "bundles" / "mixed"
CALLS = 200
AT_ONCE = 8
WARM, WARM_SECONDS = 4, 0.5
FOR_SLOTS = "user:"
FOR_VALIDATORS, VALIDATORS = "-m", 2  # how a program of the server's is called; those for results
# At one time: calls, cells that wait for some, those that come and go, and numbers that rest.
MOST_SLOTS = 4 * AT_ONCE + WARM + RESTING
SECONDS = 30.0
SETTINGS = """
[policy]
roots = [{{path = "{root}", access = "write"}}]

[[bundles]]
name = "mixed"
path = "{mixed}"
"""


class Place:
    """
    A server that keeps its temporary files, its root and nothing else in folders of this test.
    """

    def __init__(self, server: Server, client: Client, root: Path, scratch: Path) -> None:
        self.server = server
        self.client = client
        self.root = root
        self.scratch = scratch

    def look(self) -> Holdings:
        """
        But for what the keeper holds for slots (`for_slots`), of which a call takes any.
        """
        found = holdings(self.server.process.pid, self.root, self.scratch)
        for descriptors in found.descriptors.values():
            descriptors.pop(FOR_SLOTS, None)
        return found

    def for_slots(self) -> int:
        """
        The keeper holds a namespace for each slot and owner that it ever met: they are no leak.
        """
        found = holdings(self.server.process.pid)
        return found.descriptors["keeper 0"][FOR_SLOTS]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root, scratch = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("scratch")
    (root / "go").write_text("granted")
    (root / "staged").write_text("old")
    settings = SETTINGS.format(root=root, mixed=MIXED)
    more = f"max_executions = {AT_ONCE}\nqueue = {CALLS}\nreattach_grace_seconds = 0.2"
    more += f"\nwarm_cells = {WARM}\nwarm_seconds = {WARM_SECONDS}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        server = start_server(tmp_path_factory.mktemp("server"), settings, server=more)
    with server, Client(server.target) as client:
        yield Place(server, client, root, scratch)


def run(
    tool: str, expected: str, limits: dict[str, float] | None = None, **arguments: object
) -> Callable[[Place], tuple[str, str]]:
    def call(place: Place) -> tuple[str, str]:
        named = {name: str(value).format(root=place.root) for name, value in arguments.items()
                 if isinstance(value, str)}  # fmt: skip
        result = place.client.run(tool, {**arguments, **named}, limits=limits)
        return expected, result.label

    return call


def cancelled(place: Place) -> tuple[str, str]:
    stream = place.client.execute("sleep_with_daemons")
    for event in stream:
        if event.HasField("progress"):
            stream.cancel()
    return "cancelled(requested)", stream.result().label


def abandoned(place: Place) -> tuple[str, str]:
    """
    A client whose connection breaks: nobody comes back for the execution.
    """
    lost = Client(place.server.target)
    stream = lost.execute("sleep_on")
    event = next(event for event in stream if event.HasField("progress"))
    stream._over = True  # it says no farewell
    lost._connection.close()
    return "cancelled(stream_lost)", _ending(place.client, event.execution_id)


def _ending(client: Client, execution_id: str) -> str:
    """
    How an execution ends that nobody watches.
    """
    until = time.monotonic() + SECONDS
    while not client.get_execution(execution_id).HasField("finished_time"):
        assert time.monotonic() < until
        time.sleep(0.02)  # to watch it would be to come back for it
    result: Result = client.watch(execution_id).result()
    return result.label


def refused(place: Place) -> tuple[str, str]:
    try:
        place.client.run("stage", {"path": f"{place.root}/../x", "text": ""})
    except CallRefused as exc:
        return "INVALID_ARGUMENT", exc.code.name
    return "INVALID_ARGUMENT", "nothing was refused"


BRIEF = {"wall_seconds": 0.3}
KINDS: list[Callable[[Place], tuple[str, str]]] = [
    run("echo", "completed", text="short"),
    run("fail", "failed", how="raise"),
    run("fail", "failed", how="error"),
    run("fail", "failed", how="exit"),
    run("fail", "failed", how="signal"),
    run("sleep_on", "exceeded(wall)", BRIEF),
    run("sleep_with_daemons", "exceeded(wall)", BRIEF),
    run("hoard", "exceeded(memory)", {"memory_bytes": 64 * 2**20}),
    run("print_much", "completed", size=2**20),
    run("print_much", "completed", {"output_bytes": 65536}, size=2**19),
    run("print_much", "exceeded(output)", {"output_bytes": 1024}, size=2**19),
    run("answer_much", "completed", size=3_500_000),
    run("answer_much", "exceeded(result)", {"result_bytes": 1024}, size=2048),
    run("await_file", "completed", folder="{root}", name="go"),
    run("await_file", "exceeded(wall)", BRIEF, folder="{root}", name="never"),
    run("stage", "completed", path="{root}/go", text="granted"),
    run("stage", "failed", path="{root}/staged", text="new", then="fail"),
    run("leave_daemons", "completed", count=3),
    run("calculate", "completed", expression="6 * 7"),
    run("run_python", "completed", code="open('/tmp/left', 'w').write('x' * 10**6)"),
    cancelled,
    abandoned,
    refused,
]


def make_calls(place: Place, number: int) -> list[tuple[str, str]]:
    """
    So many calls, all kinds in turn, some at a time; what was expected and what came.
    """
    chosen = itertools.islice(itertools.cycle(KINDS), number)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda kind: kind(place), chosen))


def start_validators(place: Place) -> None:
    """
    Large results are checked in processes that stay, as many as were ever needed at once: let all
    of them be needed.
    """
    until = time.monotonic() + SECONDS
    large = run("answer_much", "completed", size=3_500_000)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        while settled(place.look, lambda _: True, 0).processes[FOR_VALIDATORS] < VALIDATORS:
            assert time.monotonic() < until
            list(threads.map(lambda _: large(place), range(AT_ONCE)))


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_after_two_hundred_mixed_calls_everything_is_as_it_was_before(place: Place) -> None:
    """
    A service runs for months: what one call in a hundred leaves behind is what ends it.
    """
    start_validators(place)
    warmed_up = make_calls(place, 2 * len(KINDS))
    quiet = at_rest(place.look, SECONDS)
    ended = make_calls(place, CALLS)
    after = settled(place.look, lambda now: now == quiet, SECONDS)

    assert [expected for expected, _ in warmed_up + ended] == [a for _, a in warmed_up + ended]
    assert quiet.processes == after.processes
    assert quiet.descriptors == after.descriptors
    assert quiet.mounts == after.mounts
    assert quiet.files == after.files
    assert place.for_slots() <= MOST_SLOTS
    # Those that look closely are made when first needed, and stay.
    assert quiet.threads <= after.threads <= quiet.threads + LOOKERS
    assert "old" == (place.root / "staged").read_text()
    assert "granted" == (place.root / "go").read_text()


@pytest.mark.timeout(120)
def test_what_is_counted_does_change_while_a_call_runs(place: Place) -> None:
    """
    The positive control: what looks at nothing sees no leak.
    """
    place.client.run("echo", {"text": "warm"})
    quiet = at_rest(place.look, SECONDS)
    stream = place.client.execute("sleep_with_daemons")
    next(event for event in stream if event.HasField("progress"))
    (place.scratch / "left").write_text("")
    busy = settled(place.look, lambda _: True, 0)
    (place.scratch / "left").unlink()
    stream.close()

    assert sum(quiet.processes.values()) + 4 <= sum(busy.processes.values())
    assert quiet.descriptors["server"] != busy.descriptors["server"]
    assert quiet.files != busy.files
