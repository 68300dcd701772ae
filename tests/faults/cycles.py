"""
What a cycle is made of: one attack, whose ending is known, and one benign call, which must work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faults.place import Place

BRIEF = {"wall_seconds": 0.5}
SMALL = {"memory_bytes": 64 * 2**20}
DAEMONS = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
result = 1
"""
BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
DESCRIPTORS = r"""
import os, socket
channel = socket.socket(fileno=3)
for _ in range(9):
    socket.send_fds(channel, [b"\x17\0\0\0\2{}"], [0] * 9)
os._exit(0)
"""
REFUSED = """
import ctypes
libc = ctypes.CDLL(None)  # ptrace, mount, unshare, setns, io_uring_setup on x86_64
result = [libc.syscall(number, 0, 0, 0, 0) for number in (101, 165, 272, 308, 425) * 4]
"""
FILES = """
import os
for _ in range(20):
    path = f"{folder}/{os.urandom(8).hex()}"
    open(path, "w").write("x")
    os.unlink(path)
"""
# Code, limits, and how it may end.  What ends by several causes at once ends by the first.
ATTACKS: dict[str, tuple[str, Mapping[str, float], tuple[str, ...]]] = {
    "daemons": (DAEMONS, {}, ("completed",)),
    "a fork bomb": (
        BOMB,
        {"wall_seconds": 1.0, "processes": 16},
        ("exceeded(processes)", "exceeded(wall)", "exceeded(cpu)", "exceeded(memory)"),
    ),
    "all the memory": (
        "kept = [bytearray(2**20) for _ in range(2**12)]",
        SMALL,
        ("exceeded(memory)", "failed"),
    ),
    "a full disk": (
        "f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(2**20))",
        {"disk_bytes": 2**20, "wall_seconds": 5.0},
        ("exceeded(disk)", "exceeded(file_size)", "failed"),
    ),
    "a flood": (
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        {"output_bytes": 4096},
        ("exceeded(output)",),
    ),
    "no end": ("while True: pass", BRIEF, ("exceeded(wall)",)),
    "a stop": ("import os; os.kill(os.getpid(), 19)", BRIEF, ("exceeded(wall)",)),
    "a crash": ("import os; os.abort()", {}, ("failed",)),
    "every process killed": ("import os; os.kill(-1, 9)", {}, ("failed",)),
    "the init killed": ("import os; os.kill(1, 9); result = 1", {}, ("completed", "failed")),
    "a forged result": (
        "import os; os.write(3, b'\\x1a\\x00\\x00\\x00\\x03\\x80\\x04.'); os._exit(0)",
        {},
        ("failed",),
    ),
    "half a frame": ("import os; os.write(3, b'\\x1a\\xff'); os._exit(0)", {}, ("failed",)),
    "descriptors": (DESCRIPTORS, {}, ("failed",)),
    "everything closed": (
        "import os, time; os.closerange(0, 64); time.sleep(600)",
        BRIEF,
        ("exceeded(wall)",),
    ),
    "refused calls": (REFUSED, {}, ("completed",)),
    "files in the granted folder": (FILES, {}, ("completed",)),
    "many descriptors": (
        "import os\nwhile True: os.open('/dev/null', 0)",
        {},
        ("exceeded(open_files)", "failed"),
    ),
}


def attack(name: str) -> Callable[[Place], str]:
    """
    Make this attack; what is wrong with how it ended.
    """
    code, limits, endings = ATTACKS[name]

    def made(place: Place) -> str:
        result = place.work(code, limits=limits or None)
        return "" if result.label.startswith(endings) else f"{name}: {result.outcome}"

    return made


def cancelled(place: Place) -> str:
    """
    A call that its caller cancels in the middle.
    """
    code = "import time; context.progress(message='begun'); time.sleep(600)"
    stream = place.client.execute("work", {"folder": str(place.root), "code": code})
    for event in stream:
        if event.HasField("progress"):
            stream.cancel()
    label = stream.result().label
    return "" if label == "cancelled(requested)" else f"cancelled: {label}"


def staged(place: Place) -> str:
    """
    A staged file, and one that is not put in place because the tool fails.
    """
    path = str(place.root / "staged")
    good = place.client.run("write", {"path": path, "size": 1000})
    return "" if good.ok else f"staged: {good.outcome}"


def benign(place: Place) -> str:
    """
    An ordinary call.
    """
    result = place.work("result = sum(range(10))")
    return "" if result.value == 45 else f"benign: {result.outcome}"


KINDS: list[Callable[[Place], str]] = [*(attack(name) for name in ATTACKS), cancelled, staged]
