"""
Cells of a real zygote, on the real kernel.
"""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cells import Ended, ZygoteAlone
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")


@pytest.fixture(scope="module", params=[False, True], ids=["spare", "whole"])
def zygote(request: pytest.FixtureRequest) -> Iterator[ZygoteAlone]:
    alone = ZygoteAlone(BUNDLE, whole=request.param)
    yield alone
    alone.close()


def run(zygote: ZygoteAlone, code: str) -> Ended:
    return zygote.call("run_code", {"code": code})


def refused(zygote: ZygoteAlone, code: str) -> str:
    """
    The class of the OSError that the code raises in a cell; the positive control is that the same
    code raises none in this process.
    """
    exec(code, {})
    wrapped = (
        "try:\n"
        + "".join(f"    {line}\n" for line in code.splitlines())
        + "    result = ''\nexcept OSError as exc:\n    import errno\n"
        "    result = errno.errorcode[exc.errno]\n"
    )
    return str(run(zygote, wrapped).payload(Frame.RESULT))


def test_a_zygote_tells_its_tools_once_they_are_loaded(zygote: ZygoteAlone) -> None:
    """
    The server knows tools only from this frame.
    """
    names = {tool["name"] for tool in zygote.catalogue.json()["tools"]}

    assert {"look_around", "run_code", "read", "stage"} <= names
    assert zygote.catalogue.json()["broken"] == []


def test_a_tool_is_the_second_process_of_its_own_world(zygote: ZygoteAlone) -> None:
    """
    Process 1 is the init, which never runs the tool's code.
    """
    found = zygote.call("look_around").payload(Frame.RESULT)

    assert found["pid"] == 2
    assert found["user"] not in {0, os.getuid()}
    assert found["folder"] == "/tmp"


def test_a_tool_has_four_descriptors_and_the_declared_environment(zygote: ZygoteAlone) -> None:
    """
    Whatever else was open in the zygote could ask for cells, or be another cell's.
    """
    found = zygote.call("look_around").payload(Frame.RESULT)

    assert found["descriptors"] == [0, 1, 2, 3]
    assert found["environment"] == ["DECLARED", "HOME"]


def test_a_cell_has_neither_grpc_nor_protobuf_in_its_memory(zygote: ZygoteAlone) -> None:
    """
    Every import of the zygote is attack surface in each cell, and grpc would start threads.
    """
    modules = zygote.call("look_around").payload(Frame.RESULT)["modules"]

    assert not {"grpc", "google", "toolcell_server", "toolcell_client"} & set(modules)


def test_ready_comes_before_anything_the_tool_says(zygote: ZygoteAlone) -> None:
    """
    What follows READY is the tool's word; what precedes it is ours.
    """
    ended = run(zygote, "result = 1")

    assert ended.kinds[-2:] == [Frame.READY, Frame.RESULT]
    assert set(ended.kinds[:-2]) <= {Frame.BUILT}
    assert ended.wait_status == 0


def test_what_one_call_leaves_behind_the_next_does_not_find(zygote: ZygoteAlone) -> None:
    """
    A cell is used once.
    """
    left = "open('/tmp/left', 'w').write('x'); open('/dev/shm/left', 'w').write('x')"
    look = "import os; result = [f for f in ('/tmp', '/dev/shm') if os.path.exists(f + '/left')]"

    assert run(zygote, left).wait_status == 0
    assert run(zygote, look).payload(Frame.RESULT) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("import os; os.listdir('/')", {"EACCES"}, id="listing the root"),
        pytest.param("open('/etc/shadow').close()", {"ENOENT", "EACCES"}, id="reading shadow"),
        # Refused where the interpreter itself lies below it: then it has a name in the cell.
        pytest.param("import os; os.listdir('/home')", {"ENOENT", "EACCES"}, id="a host folder"),
        pytest.param("import socket; socket.socket().close()", {"EPERM"}, id="a TCP socket"),
        pytest.param(
            "import socket; socket.socket(socket.AF_UNIX).close()", {"EPERM"}, id="a Unix socket"
        ),
        pytest.param(
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()",
            {"EPERM"},
            id="a UDP socket",
        ),
        pytest.param(
            "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)",
            {"EPERM"},
            id="a fork without the profile",
        ),
        pytest.param("import os; os.close(os.memfd_create('x'))", {"EPERM"}, id="a memfd"),
        pytest.param("import os; os.kill(1, 0)", {"", "EPERM"}, id="probing its own init"),
        pytest.param("import os; os.setgroups([])", {"EPERM"}, id="changing its groups"),
    ],
)
def test_the_host_is_out_of_reach(zygote: ZygoteAlone, code: str, expected: set[str]) -> None:
    """
    Each probe works in this process and not in the cell.
    """
    if os.geteuid() != 0 and ("shadow" in code or "setgroups" in code or "(1, 0)" in code):
        pytest.skip("the positive control needs root")
    if "/home" in code and not Path("/home").is_dir():
        pytest.skip("the positive control needs a /home")

    assert refused(zygote, code) in expected


def test_killing_every_process_it_can_name_ends_only_its_own_cell(zygote: ZygoteAlone) -> None:
    """
    kill(-1) by a process with foreign pids in sight would end other cells, or the service.
    """
    ended = run(zygote, "import os; os.kill(-1, 9)")

    assert ended.payload(Frame.RESULT) is None
    assert zygote.process.poll() is None
    assert run(zygote, "result = 'still here'").payload(Frame.RESULT) == "still here"


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("import os; os.kill(os.getpid(), 15)", signal.SIGTERM),
        ("import os; os.abort()", signal.SIGABRT),
        ("import ctypes; ctypes.string_at(0)", signal.SIGSEGV),
    ],
    ids=["SIGTERM to itself", "abort", "a null pointer"],
)
def test_a_signal_that_ends_the_tool_is_told_apart(
    zygote: ZygoteAlone, code: str, number: signal.Signals
) -> None:
    """
    As process 1 it would ignore the first and misreport the others.
    """
    assert os.WTERMSIG(run(zygote, code).wait_status) == number


def test_what_a_tool_leaves_running_dies_with_it(zygote: ZygoteAlone) -> None:
    """
    A daemon that left its session and ignores signals must not outlive its cell, nor hold it up.
    """
    code = (
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    time.sleep(1000)\n"
        "result = 'parent ended'\n"
    )
    ended = zygote.call("run_code_with_programs", {"code": code}, profile=Profile.SUBPROCESS)

    assert ended.payload(Frame.RESULT) == "parent ended"
    assert ended.wait_status == 0
    assert ended.seconds < 10


def test_the_disk_of_a_cell_is_bounded(zygote: ZygoteAlone) -> None:
    """
    /tmp and /dev/shm are memory of the host.
    """
    code = (
        "import os\n"
        "def fill(folder):\n"
        "    written = 0\n"
        "    try:\n"
        "        for n in range(64):\n"
        "            with open(f'{folder}/{n}', 'wb') as file:\n"
        "                written += file.write(bytes(2**20))\n"
        "    except OSError as exc:\n"
        "        return written >> 20, exc.errno\n"
        "result = [fill('/tmp'), fill('/dev/shm')]\n"
    )
    (in_tmp, first), (in_shm, second) = run(zygote, code).payload(Frame.RESULT)

    assert (first, second) == (errno.ENOSPC, errno.ENOSPC)
    assert in_tmp + in_shm <= 16


def test_memory_of_one_process_is_bounded(zygote: ZygoteAlone) -> None:
    """
    The watchdog is not needed for a single allocation.
    """
    ended = run(zygote, "bytearray(2**30)")

    assert ended.payload(Frame.RAISED)["limit"] == "memory"


def test_a_limit_can_be_lowered_and_never_raised(zygote: ZygoteAlone) -> None:
    """
    Hard equals soft.
    """
    code = (
        "import resource\n"
        "result = []\n"
        "for kind in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE,\n"
        "             resource.RLIMIT_NPROC, resource.RLIMIT_CPU, resource.RLIMIT_CORE):\n"
        "    soft, hard = resource.getrlimit(kind)\n"
        "    try:\n"
        "        resource.setrlimit(kind, (hard + 1, hard + 1))\n"
        "        result.append(kind)\n"
        "    except (ValueError, OSError):\n"
        "        pass\n"
    )

    assert run(zygote, code).payload(Frame.RESULT) == []


def test_a_zygote_dies_with_its_server_and_takes_its_cells_along() -> None:
    """
    Nobody is left to end them otherwise.
    """
    alone = ZygoteAlone(BUNDLE)
    alone.control.close()

    assert alone.process.wait(20) == 0
