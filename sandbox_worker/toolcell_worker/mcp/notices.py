"""
What an MCP server tells while it works, as events of its execution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from toolcell_worker.context import Context

Level = Literal["debug", "info", "warning", "error"]
MOST = 1000  # of a call; a server that tells more is heard no longer
_LEVELS: dict[Any, Level] = {
    "debug": "debug",
    "info": "info",
    "notice": "info",
    "warning": "warning",
    **dict.fromkeys(("error", "critical", "alert", "emergency"), "error"),
}


class Notices:
    """
    Passes them on.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._left = MOST

    def told(self, method: str, params: dict[str, Any]) -> None:
        """
        Take a notification.
        """
        if method not in ("notifications/progress", "notifications/message"):
            return
        self._left -= 1
        if self._left < 0:
            return
        if method == "notifications/progress":
            self._progress(params)
        else:
            self._message(params)

    def _progress(self, params: dict[str, Any]) -> None:
        done, total, message = params.get("progress"), params.get("total"), params.get("message")
        fraction = done / total if _number(done) and _number(total) and total else None
        self._context.progress(fraction, message if isinstance(message, str) else "")

    def _message(self, params: dict[str, Any]) -> None:
        data, logger = params.get("data"), params.get("logger")
        text = data if isinstance(data, str) else msgspec.json.encode(data).decode()
        level = params.get("level")
        named = {"logger": logger[:256]} if isinstance(logger, str) else {}
        self._context.log(
            text, _LEVELS.get(level if isinstance(level, str) else "", "info"), **named
        )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
