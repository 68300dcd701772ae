"""
Where windows are counted: the interface, and what a count is asked and answered.  Pure.

Theory of operation.  Small enough that another store can stand behind it: `take` is a coroutine,
all or none in one step, which Redis does with one script; the storages of the library `limits`,
Redis' among them, offer the same two questions as ours (`acquire_entry`, `get_moving_window`).
What has to happen at the end of a run (`give_back`, `charge`) waits for nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.rates.rules import Bound


class Use(NamedTuple):  # made at each call, which a dataclass takes three times as long for
    """
    What one call may use: a bound, and the key under which its uses are counted.
    """

    bound: Bound
    key: str


class Standing(NamedTuple):
    """
    How a use stands: what was used before this call, and in how many seconds there is room for
    one more; 0.0: now.
    """

    use: Use
    used: int
    seconds: float = 0.0

    @property
    def left(self) -> int:
        return max(self.use.bound.limit - self.used, 0)


class Windows(Protocol):
    """
    Counts uses in moving windows.
    """

    async def take(
        self, uses: Sequence[Use], *, only_look: bool = False
    ) -> tuple[float, list[Standing]]:
        """
        How each use stands; and where all have room, one call of each that counts calls is taken:
        of all or of none.  Budgets, which are charged later, are only looked at.  The number is
        when, for `give_back`.

        Raises:
            StoreFailed: it cannot be counted reliably; nothing was taken.
        """
        ...

    def give_back(self, uses: Sequence[Use], at: float) -> None:
        """
        What was taken at that time was not used.
        """
        ...

    def charge(self, use: Use, amount: int) -> None:
        """
        Count that much, whether there is room for it or not: it has been used.
        """
        ...
