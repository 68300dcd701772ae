"""
The garbage collector has nothing to do for a call, and leaves alone what lives for ever.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest
from toolcell_server import garbage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_was_made_before_it_serves_is_never_looked_at_again() -> None:
    """
    A full collection stops every call for as long as it takes to visit all that there is.
    """
    lives: list[list[object]] = [[] for _ in range(1000)]
    garbage.settle()

    assert gc.get_freeze_count() > len(lives)
    assert len(gc.get_objects()) < len(lives)
