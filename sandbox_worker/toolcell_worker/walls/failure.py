"""
How a wall says that it could not be built.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SetupFailed(Exception):  # noqa: N818  # names what happened
    """
    Raised when a wall could not be built.  The cell ends; it never runs without the wall.
    """

    def __init__(self, wall: str, errno: int, detail: str) -> None:
        super().__init__(f"wall {wall}: {detail}")
        self.wall = wall
        self.errno = errno
        self.detail = detail

    def describe(self) -> dict[str, str | int]:
        """
        The failure as a SETUP_FAILED frame carries it.
        """
        return {"wall": self.wall, "errno": self.errno, "detail": self.detail[:500]}


@contextlib.contextmanager
def building(wall: str) -> Iterator[None]:
    """
    Whatever fails inside failed while building `wall`.

    Raises:
        SetupFailed: an exception of any other kind was raised inside.
    """
    try:
        yield
    except SetupFailed:
        raise
    except OSError as exc:
        raise SetupFailed(wall, exc.errno or 0, str(exc)) from exc
    except Exception as exc:
        raise SetupFailed(wall, 0, f"{type(exc).__name__}: {exc}") from exc
