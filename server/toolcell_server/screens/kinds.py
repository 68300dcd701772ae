"""
All screens by their names.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.screens import html, nosql, path, shell, sql, template, url
from toolcell_server.screens.readings import readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_NUL: Final = re.compile("\0|%(?:25)?00")  # which readings no longer have
KINDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "sql": sql.looks_like,
    "nosql": nosql.looks_like,
    "shell": shell.looks_like,
    "path": path.looks_like,
    "url": url.looks_like,
    "html": html.looks_like,
    "template": template.looks_like,
}


def looks_like(text: str, kinds: Iterable[str]) -> list[str]:
    """
    Which of these kinds of attack a text looks like, in this order.

    Raises:
        Unreadable: it is too long for an answer in bounded time.
    """
    ways = readings(text)
    return [
        kind
        for kind in kinds
        if any(KINDS[kind](way) for way in ways) or (kind == "path" and _NUL.search(text))
    ]
