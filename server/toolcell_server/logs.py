"""
The log on standard error: JSON for machines, or text for people, one line each.

What is logged may hold a caller's text.  Every value is written as JSON, so that a line feed in one
cannot forge a line.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import re
import time
from typing import Any, Final

_PLAIN: Final = re.compile(r"[a-zA-Z0-9_\-./:]+")


class JsonFormatter(logging.Formatter):
    """
    One JSON object a line: time, level, logger, message, the record's `fields`, the traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """
    Time, level, message and `key=value` for each of the record's `fields` that says something.
    """

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        said = [
            f"{key}={_value(value)}" for key, value in fields.items() if value not in ("", None)
        ]
        message = record.getMessage()
        if not message.isprintable():
            message = "".join(map(_printable, message))
        line = " ".join([_time(record), f"{record.levelname:<7}", message, *said])
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure(log_format: str) -> None:
    """
    Send every log record of the process to standard error, in one format.
    """
    # No format of ours tells of them, and to find them out takes longer than to format a line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  # as logging's own how-to says
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03}Z"


@functools.lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _value(value: Any) -> str:
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)  # as JSON has it
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _printable(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]
