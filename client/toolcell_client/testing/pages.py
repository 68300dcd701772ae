"""
Pages of a list, as AIP-158 has them; a token is the offset of the next page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE_SIZE = 50

_Item = TypeVar("_Item")


def page(items: Sequence[_Item], size: int, token: str) -> tuple[Sequence[_Item], str]:
    """
    One page, and the token of the next; "" after the last.
    """
    start = int(token or "0")
    end = start + (size or PAGE_SIZE)
    return items[start:end], str(end) if end < len(items) else ""
