"""
Memory without a file, as a tool in a cell asks Python for it.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cells import ZygoteAlone
from toolcell_worker.anonymous_maps import Mapping
from toolcell_worker.wire import Frame, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")
# mmap(2) itself, as a program in another language asks for it: shared, and without a file.
REFUSED = (
    "import ctypes; call = ctypes.CDLL(None).mmap; call.restype = ctypes.c_void_p; "
    "refused = call(None, 4096, 3, 0x21, -1, 0) == 2**64 - 1"
)


@pytest.fixture(scope="module")
def zygote() -> Iterator[ZygoteAlone]:
    alone = ZygoteAlone(BUNDLE)
    yield alone
    alone.close()


@pytest.fixture(params=[True, False], ids=["alone", "with children"])
def alone(request: pytest.FixtureRequest) -> Iterator[bool]:
    before, Mapping.alone = Mapping.alone, request.param
    yield request.param
    Mapping.alone = before


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"access": mmap.ACCESS_WRITE},
        {"prot": mmap.PROT_READ | mmap.PROT_WRITE},
        {"flags": mmap.MAP_SHARED | mmap.MAP_ANONYMOUS},
        {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS},
        {"access": mmap.ACCESS_COPY},
    ],
    ids=str,
)
def test_it_is_a_mapping_like_any_other(alone: bool, how: dict[str, int]) -> None:
    """
    Whoever got it works with it as before.
    """
    with Mapping(-1, 8192, **how) as region:
        region[4096:4100] = b"here"

        assert isinstance(region, mmap.mmap)
        assert 8192 == len(region)
        assert b"\0\0here\0\0" == region[4094:4102]


def test_what_is_only_to_be_read_cannot_be_written(alone: bool) -> None:
    """
    The access that was asked for is the one that is had.
    """
    with Mapping(-1, 4096, access=mmap.ACCESS_READ) as region:
        assert 0 == region[0]
        with pytest.raises(TypeError):
            region[0] = 1


@pytest.mark.parametrize(
    ("tool", "profile"),
    [("run_code", Profile.COMPUTE), ("run_code_with_programs", Profile.SUBPROCESS)],
)
def test_a_cell_has_it_where_the_kernel_refuses_shared_memory(
    zygote: ZygoteAlone, tool: str, profile: Profile
) -> None:
    """
    Python asks for shared memory unless it is told otherwise.
    """
    code = f"import mmap; region = mmap.mmap(-1, 8192); region[5] = 7; {REFUSED}"
    ended = zygote.call(tool, {"code": f"{code}; result = [region[5], refused]"}, profile=profile)

    assert [7, True] == ended.payload(Frame.RESULT)


def test_children_share_it_with_their_parent(zygote: ZygoteAlone) -> None:
    """
    What a child writes, its parent reads: that is what it is for.
    """
    code = (
        "import mmap, os\n"
        "region = mmap.mmap(-1, 4096)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    region[0] = 42\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "result = region[0]\n"
    )
    ended = zygote.call("run_code_with_programs", {"code": code}, profile=Profile.SUBPROCESS)

    assert 42 == ended.payload(Frame.RESULT)


def test_more_than_the_disk_holds_is_refused_at_once(zygote: ZygoteAlone) -> None:
    """
    What is missing when it is touched would end the process by a signal that says nothing.
    """
    code = "import mmap; regions = [mmap.mmap(-1, 2**20) for _ in range(100)]"
    ended = zygote.call("run_code_with_programs", {"code": code}, profile=Profile.SUBPROCESS)

    assert "disk" == ended.payload(Frame.RAISED)["limit"]


def test_no_device_gives_shared_memory_either(zygote: ZygoteAlone) -> None:
    """
    A shared mapping of /dev/zero is the same; it can be read, and mapped privately.
    """
    code = (
        "import mmap, os\n"
        "zero = os.open('/dev/zero', os.O_RDONLY)\n"
        "mmap.mmap(zero, 4096, mmap.MAP_PRIVATE)[0] = 1\n"
        "result = [len(os.read(zero, 9))]\n"
        "try: os.open('/dev/zero', os.O_RDWR)\n"
        "except PermissionError: result.append('refused')\n"
    )
    ended = zygote.call("run_code", {"code": code})

    assert [9, "refused"] == ended.payload(Frame.RESULT)
