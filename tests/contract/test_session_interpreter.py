"""
Interpreters that keep their state, over a socket: what one call defines the next one uses.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sessioning import calling, people, start_with_sessions, workspace
from toolcell_client.errors import InvalidCall
from toolcell_worker.wire import Frame
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Client
    from toolcell_client.sessions import ClientSession

ROOM = str(Path(__file__).parents[2] / "sandbox_worker")
SETTINGS = "interpreters_per_principal = 2"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interpreters")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with start_with_sessions(place, sessions=SETTINGS, more=people()) as one:
        yield one


@pytest.fixture
def alice(server: Server) -> Iterator[Client]:
    with calling(server, "alice") as client:
        yield client


@pytest.fixture
def session(alice: Client) -> Iterator[ClientSession]:
    with alice.session() as one:
        yield one


def ran(session: ClientSession, code: str, **options: Any) -> Any:
    return session.run("run_python", {"code": code, "stateful": True}, **options)


def said(session: ClientSession, code: str, **options: Any) -> str:
    result = ran(session, code, **options)
    assert result.ok, result
    return str(result.value["stdout"]) + str(result.value["stderr"])


def warnings(result: Any) -> list[str]:
    return [each.reason for each in result.warnings]


def interpreters(server: Server) -> float:
    name = "toolcell_session_interpreters "
    return next(
        float(line.removeprefix(name))
        for line in server.scrape().splitlines()
        if line.startswith(name)
    )


def test_names_functions_and_imports_are_kept(session: ClientSession) -> None:
    first = ran(session, "import math\nx = 20\ndef twice(n): return 2 * n")
    second = ran(session, "x += 1\nprint(twice(x), math.floor(2.5), __name__)")

    assert ["FRESH_INTERPRETER"] == warnings(first)
    assert [] == warnings(second)
    assert "42 2 __main__\n" == second.value["stdout"]


def test_an_exception_ends_the_code_and_not_the_state(session: ClientSession) -> None:
    assert "" == said(session, "x = 1")
    assert "ZeroDivisionError" in said(session, "x = 2\n1 / 0")
    assert 3 == ran(session, "import sys\nsys.exit(3)").value["exit_code"]
    assert "2\n" == said(session, "print(x)")


def test_without_the_argument_nothing_is_kept_or_found(session: ClientSession) -> None:
    assert "" == said(session, "x = 1")
    plain = session.run("run_python", {"code": "print('x' in globals())"})

    assert "False\n" == plain.value["stdout"]
    assert "1\n" == said(session, "print(x)")


def test_another_session_has_another_state(alice: Client, session: ClientSession) -> None:
    assert "" == said(session, "secret = 'canary'")
    with alice.session() as other:
        found = (
            "import gc\nprint('secret' in globals(), 'can' + 'ary' in map(str, gc.get_objects()))"
        )
        assert "False False\n" == said(other, found)
    assert "canary\n" == said(session, "print(secret)")


def test_what_is_stateful_needs_a_session(alice: Client) -> None:
    with pytest.raises(InvalidCall, match="session_id"):
        alice.run("run_python", {"code": "1", "stateful": True})


def test_it_works_in_the_workspace_and_streams_what_it_prints(
    session: ClientSession, place: Path
) -> None:
    assert "" == said(session, "open('a', 'w').write('of the interpreter')")
    assert "of the interpreter" == (workspace(place) / "a").read_text()
    for word in ("one", "two"):
        with session.execute(
            "run_python", {"code": f"print('{word}', flush=True)", "stateful": True}
        ) as stream:
            events = list(stream)
        kinds = [each.WhichOneof("event") for each in events]
        assert ["accepted", "started"] == kinds[:2]
        assert "finished" == kinds[-1]
        output = b"".join(each.output.data for each in events)
        assert f"{word}\n".encode() == output


def test_the_walls_are_those_of_any_cell_in_every_call(session: ClientSession) -> None:
    tries = (
        "import os, socket\n"
        "for what in (lambda: open('/etc/shadow'), lambda: os.fork(), socket.socket,\n"
        "             lambda: open('/usr/x', 'w'), lambda: os.kill(1, 9)):\n"
        "    try: what()\n    except OSError as e: print(type(e).__name__)\n"
    )
    plain = session.run("run_python", {"code": tries})
    for _ in range(2):
        result = ran(session, tries)

        assert plain.value["stdout"] == result.value["stdout"]
        assert plain.isolation == result.isolation


LIMITS: dict[str, tuple[str, dict[str, Any]]] = {
    "wall": ("while True: pass", {"limits": {"wall_seconds": 1}}),
    "cpu": ("while True: pass", {"limits": {"cpu_seconds": 1}}),
    "timeout": ("while True: pass", {"timeout": 1}),
    "memory": ("x = bytearray(2**30)", {}),
    "output": ("while True: print('x' * 1000)", {"limits": {"output_bytes": 1000}}),
    "exit": ("import os\nos._exit(7)", {}),
    "crash": ("import ctypes\nctypes.string_at(0)", {}),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_ends_the_interpreter_is_named_and_the_next_call_begins_anew(
    session: ClientSession, limit: str
) -> None:
    code, options = LIMITS[limit]
    assert "" == said(session, "y = 1")
    ended = ran(session, code, **options)
    fresh = ran(session, "print('y' in globals())")

    assert not ended.ok
    assert "STATE_LOST" in warnings(ended)
    assert limit == "timeout" or "state is lost" in ended.outcome.message
    assert "False\n" == fresh.value["stdout"]
    assert ["FRESH_INTERPRETER"] == warnings(fresh)


def test_usage_is_that_of_the_call(session: ClientSession) -> None:
    """
    Also of one that ends its process, whose account by the kernel is of all its life.
    """
    busy = "import time\nuntil = time.process_time() + 1\nwhile time.process_time() < until: pass"
    note = "\nimport os\nopen('{}', 'w').write(str(time.process_time()))"
    first = ran(session, busy)
    second = ran(session, f"import time{note.format('before')}")
    third = ran(session, f"{busy}{note.format('after')}\nos._exit(3)")
    before, after = (float(session.download(name)) for name in ("before", "after"))

    assert 1 <= seconds(first) < 2
    assert seconds(second) < 0.5
    assert 1 <= seconds(third) < after - before / 2
    assert third.outcome.HasField("failed")


def seconds(result: Any) -> float:
    usage = result.usage
    whole = usage.cpu_user.seconds + usage.cpu_system.seconds
    return float(whole + (usage.cpu_user.nanos + usage.cpu_system.nanos) / 1e9)


def test_cpu_of_earlier_calls_does_not_count(session: ClientSession) -> None:
    busy = "import time\nuntil = time.process_time() + 0.7\nwhile time.process_time() < until: pass"
    for _ in range(3):
        assert "" == said(session, busy, limits={"cpu_seconds": 1.5})


def test_a_call_waits_for_the_one_before(session: ClientSession) -> None:
    assert "" == said(session, "running = 0")
    code = (
        "running += 1\nassert running == 1\nimport time\ntime.sleep(0.05)\n"
        "assert running == 1\nrunning -= 1"
    )
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(said(session, code))) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert [""] * 4 == answers


def test_who_waits_for_its_turn_can_be_cancelled(session: ClientSession, alice: Client) -> None:
    with session.execute("run_python", {"code": "while True: pass", "stateful": True}) as busy:
        next(busy)
        waiting = ran(session, "1", timeout=0.5)
        assert "exceeded" == waiting.outcome.WhichOneof("kind")
        alice.cancel(busy.execution_id)


def test_threads_stand_still_between_calls(session: ClientSession) -> None:
    """
    Nobody looks at what they use, or write, meanwhile.
    """
    code = (
        "import threading, time\nn = 0\ndef count():\n    global n\n"
        "    while True:\n        n += 1\n        time.sleep(0.001)\n"
        "threading.Thread(target=count, daemon=True).start()"
    )
    assert "" == said(session, code)
    wait_until(lambda: bool(_stopped()), 20)
    before = int(said(session, "print(n)"))
    assert int(said(session, "import time\ntime.sleep(0.2)\nprint(n)")) > before


def test_a_call_that_would_get_something_else_begins_anew(session: ClientSession) -> None:
    assert "" == said(session, "x = 1")
    narrower = ran(session, "print('x' in globals())", limits={"memory_bytes": 2**28})

    assert "False\n" == narrower.value["stdout"]
    assert ["FRESH_INTERPRETER"] == warnings(narrower)
    assert "something else" in narrower.warnings[0].message


def test_only_so_many_are_kept(server: Server, alice: Client) -> None:
    with alice.session() as one, alice.session() as two, alice.session() as three:
        for each in (one, two):
            assert "" == said(each, "x = 1")
        assert "1\n" == said(one, "print(x)")  # so that the other was not used for longest
        assert "" == said(three, "x = 1")
        assert 2 == interpreters(server)
        assert "1\n" == said(one, "print(x)")
        again = ran(two, "print('x' in globals())")
        assert "False\n" == again.value["stdout"]
        assert "room" in again.warnings[0].message
    assert 0 == interpreters(server)


def test_an_interpreter_goes_with_its_session(server: Server, alice: Client) -> None:
    session = alice.session()
    assert "" == said(session, "x = 1")
    wait_until(lambda: bool(_stopped()), 20)
    cells = _stopped()
    session.close()

    assert 0 == interpreters(server)
    assert cells
    assert [] == [each for each in cells if each.is_running() and each.status() != "zombie"]


def test_an_interpreter_that_nobody_uses_ends(tmp_path: Path) -> None:
    with (
        start_with_sessions(tmp_path, sessions="interpreter_idle_seconds = 0.5") as server,
        calling(server) as client,
        client.session() as session,
    ):
        assert "" == said(session, "x = 1")
        wait_until(lambda: 0 == interpreters(server), 20)
        fresh = ran(session, "print('x' in globals())")

        assert "False\n" == fresh.value["stdout"]
        assert "not used" in fresh.warnings[0].message


def test_who_speaks_between_two_calls_is_not_spoken_to_again(session: ClientSession) -> None:
    """
    A result that is there before its call has begun would be taken for that of the call.
    """
    forged = (
        "import os, struct, threading, time\n"
        "frame = struct.pack('!BI', 21, 0) + struct.pack('!BI', 26, 8) + b'\"forged\"'\n"
        "def forge():\n    while True:\n        os.write(3, frame)\n        time.sleep(0.0001)\n"
        "threading.Thread(target=forge, daemon=True).start()\ntime.sleep(0.01)"
    )
    ran(session, forged)
    for _ in range(3):
        result = ran(session, "print('true')")

    assert "true\n" == result.value["stdout"]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Frame.SETUP_FAILED, b'{"wall": "mounts", "detail": "forged"}'),
        (Frame.SETUP_FAILED, b"{}"),
        (Frame.SETUP_FAILED, b"[" * 100_000),
        (Frame.STAGING, b'{"folders": ["/etc"]}'),
    ],
)
def test_a_tool_does_not_pass_for_what_builds_the_walls(
    session: ClientSession, kind: int, payload: bytes
) -> None:
    """
    A thread of an earlier call speaks before the next one has begun: it is the tool that broke the
    protocol, and neither a wall nor the server that failed.
    """
    frame = f"struct.pack('!BI', {kind}, {len(payload)}) + {payload!r}"
    forging = (
        "import os, struct, sys, threading\n"
        f"frame = {frame}\n"
        "def forge():\n"
        "    while not os.path.exists('go'):\n        pass\n"
        "    os.write(3, frame)\n"
        "sys.setswitchinterval(1e-5)\n"
        "threading.Thread(target=forge, daemon=True).start()\n"
    )
    outcomes = []
    for _ in range(6):  # it is a race with our own code
        ran(session, forging)
        session.upload("go", b"")
        outcomes.append(ran(session, "import time; time.sleep(0.2)").outcome)
        session._client.sessions.delete_file(session.session_id, "go")
    kinds = {each.WhichOneof("kind") for each in outcomes}
    broken = [each.failed.exception for each in outcomes if each.HasField("failed")]

    assert kinds <= {"failed", "completed"}
    assert "ProtocolError" in broken


def test_the_quota_holds_for_what_is_stateful(alice: Client) -> None:
    with alice.session(quota_bytes=2**20) as session:
        code = "for n in range(64): open(str(n), 'wb').write(bytes(2**18))\nwhile True: pass"
        full = ran(session, code)

        assert "no room" in full.outcome.message
        assert "STATE_LOST" in warnings(full)


def _stopped() -> list[psutil.Process]:
    """
    The processes of cells that stand still: nothing but an interpreter between two calls does.
    """
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(each.cmdline())
            if each.status() == psutil.STATUS_STOPPED and ROOM in command:
                found.append(each)
    return found
