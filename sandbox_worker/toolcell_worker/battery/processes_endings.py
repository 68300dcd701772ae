"""
Attacks by the way in which a tool ends: so that it seems to have ended well, or takes whoever runs
it along.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from toolcell_worker.battery.overstaying import bear, overstay


def exit_as_if_all_were_well(_plan: dict[str, Any]) -> Any:
    """
    Exit code 0, and no result.
    """
    os._exit(0)


def say_that_it_completed(_plan: dict[str, Any]) -> Any:
    """
    What a tool prints is not its ending, however much it looks like one.
    """
    print('{"outcome": {"completed": {}}, "result": "forged"}', flush=True)  # noqa: T201  # the attack
    os._exit(0)


def crash(_plan: dict[str, Any]) -> Any:
    """
    An address that is nobody's.
    """
    ctypes.string_at(8)


def abort(_plan: dict[str, Any]) -> Any:
    """
    As the C library does when it finds its heap destroyed.
    """
    os.abort()


def overflow_the_stack(_plan: dict[str, Any]) -> Any:
    """
    A recursion in C that Python does not count.
    """
    prototype = ctypes.CFUNCTYPE(None)
    again: list[Any] = []
    sys.setrecursionlimit(2**31 - 1)

    def recurse() -> None:
        again[0]()

    again.append(prototype(recurse))
    recurse()


def exit_with_a_text(_plan: dict[str, Any]) -> Any:
    """
    `sys.exit("…")` is an exception that `except Exception` does not catch.
    """
    sys.exit("the tool has had enough")


def kill_itself(_plan: dict[str, Any]) -> Any:
    """
    A signal that looks as if a limit of ours had sent it.
    """
    os.kill(os.getpid(), signal.SIGKILL)


def fake_a_limit(_plan: dict[str, Any]) -> Any:
    """
    SIGXCPU without having used the processor: a cause that was none.
    """
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGXCPU)


def linger_while_it_answers(plan: dict[str, Any]) -> Any:
    """
    When the result is written the streams are flushed, and that takes as long as it takes.
    """
    bear(plan)

    class Lingering:
        def write(self, text: str) -> int:
            self.flush()
            return len(text)

        def flush(self) -> None:
            overstay(plan)

    sys.stdout = Lingering()
    return "an answer that never comes"


def linger_while_it_is_imported(plan: dict[str, Any]) -> Any:
    """
    Code runs when a module is imported, long before anybody calls a function of it.
    """
    bear(plan)
    with tempfile.TemporaryDirectory() as folder:
        module = Path(folder, "lingering.py")
        module.write_text(f"import time\ntime.sleep({plan['seconds']})\n")
        sys.path.insert(0, folder)
        importlib.import_module(module.stem)
    overstay({"seconds": 0})
