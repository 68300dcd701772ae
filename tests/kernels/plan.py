"""
What is run in a machine, and what is left out there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kernels.machine import Command

if TYPE_CHECKING:
    from collections.abc import Sequence

USERS: Final = ("root", "user")
DOCTOR_SECONDS: Final = 300
BATTERY_SECONDS: Final = 6 * 3600  # minutes on a quiet host, and many times that emulated
TESTS_SECONDS: Final = 3 * 3600
TEST_SECONDS: Final = 600  # of one test: an emulated processor is 10 to 20 times slower
TESTS: Final = ("tests/contract", "tests/kernels")
# What the machine does not have, so that its tests cannot run there.
LEFT_OUT: Final = (
    ("tests marked slow", "they would take hours on an emulated processor"),
    ("tests/contract/test_node_client.py", "node is not in the machine: the test skips itself"),
)
_PYTEST: Final = "python -m pytest -p no:cacheprovider --color=no -q -m 'not slow' --tb=short"
RUNS: Final = ("doctor", "battery", "contract")


def make(
    users: Sequence[str], runs: Sequence[str], tests: Sequence[str], attacks: Sequence[str]
) -> list[Command]:
    """
    The commands for these users; `tests` replaces the files of `contract`, `attacks` all others.
    """
    return [_command(run, user, tests or TESTS, attacks) for user in users for run in runs]


def as_text(commands: Sequence[Command]) -> str:
    """
    The plan as the machine's process 1 reads it.
    """
    return "".join(f"{command}\n" for command in commands)


def _command(run: str, user: str, tests: Sequence[str], attacks: Sequence[str]) -> Command:
    doctor = "python -m toolcell_server doctor --json"
    only = f" --only {' '.join(attacks)}" if attacks else ""
    seconds, line = {
        "doctor": (DOCTOR_SECONDS, doctor),
        "battery": (BATTERY_SECONDS, f"{doctor} --battery{only}"),
        "contract": (TESTS_SECONDS, f"{_PYTEST} --timeout {TEST_SECONDS} {' '.join(tests)}"),
    }[run]
    return Command(name=f"{run}-{user}", user=user, seconds=seconds, line=line)
