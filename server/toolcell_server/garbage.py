"""
Keeps the garbage collector from stopping calls.

Theory of operation.  CPython frees nearly everything by counting references; the collector only
finds cycles, and to find them it visits every object of a generation while everybody waits.  What
the imports have made, some 150,000 objects, lives as long as the process and would be visited again
and again: 20 to 40 ms each time, which is many calls.  It is frozen: moved to where the collector
never looks.

A call of ours leaves no cycle behind (a test says so), gRPC leaves one of five small objects; what
is kept of a call for an hour is some thirty objects.  So collections may be rare: one of the
youngest every hundred and fifty calls or so takes a fraction of a millisecond, one of the middle a
millisecond, and a full one, which visits all that is kept, comes after hundreds of those.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS: Final = (5_000, 5, 200)  # measured: see above


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """
    While much is made that lives long, and nobody waits: the collector would visit it in vain.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def settle() -> None:
    """
    Call it once, when everything that lives as long as the process has been made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
