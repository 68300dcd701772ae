"""
No two cells draw the same numbers, unless their tool asked for it.
"""

from __future__ import annotations

import os
import random

from toolcell_worker import generators


def _drawn_in_a_fork(generator: random.Random) -> bytes:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, generator.randbytes(16))
        os._exit(0)
    os.close(writing)
    drawn = os.read(reading, 16)
    os.close(reading)
    os.waitpid(pid, 0)
    return drawn


def test_a_generator_that_was_made_while_loading_differs_in_every_fork() -> None:
    """
    A library makes its own when it is imported, and every cell is a fork of who imported it.
    """
    outside = random.Random()
    with generators.seeded_in_forks():
        inside = random.Random()

    assert _drawn_in_a_fork(outside) == _drawn_in_a_fork(outside)
    assert _drawn_in_a_fork(inside) != _drawn_in_a_fork(inside)


def test_a_generator_with_a_seed_repeats_itself() -> None:
    with generators.seeded_in_forks():
        seeded = random.Random(42)

    assert random.Random(42).randbytes(16) == _drawn_in_a_fork(seeded)


def test_generators_are_as_before_afterwards() -> None:
    before = random.Random.__init__
    with generators.seeded_in_forks():
        pass

    assert before is random.Random.__init__
