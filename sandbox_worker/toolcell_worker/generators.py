"""
Generators of `random` that a bundle makes while it is loaded.

Every cell begins with the memory of its zygote, and so with the state of every generator in it: two
calls would draw the same numbers.  Python seeds the one of `random` anew after a fork, and no
other.  Those that were made without a seed are seeded anew, too; one that was given a seed is to
repeat itself.  Generators of other libraries (numpy's `default_rng()`) repeat themselves: tools
make them in the call.
"""

from __future__ import annotations

import contextlib
import os
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def seeded_in_forks() -> Iterator[None]:
    """
    Whatever is made meanwhile without a seed gets one of its own in every fork.
    """
    original = random.Random.__init__

    def noting(generator: random.Random, x: Any = None) -> None:
        original(generator, x)
        if x is None:
            os.register_at_fork(after_in_child=generator.seed)

    random.Random.__init__ = noting  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        random.Random.__init__ = original  # type: ignore[method-assign]
