"""
The RAISED frame: what an exception that a tool did not catch tells people, programs and models.

A decision, in the order in which causes win: the tool's own word, a limit, a denied access, what
Python says.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from toolcell_worker import denials, limits, tracebacks
from toolcell_worker.errors import CommandFailed, ResultTooLarge, ToolError
from toolcell_worker.outlet import legible

if TYPE_CHECKING:
    from toolcell_worker.denials import Denial
    from toolcell_worker.wire import CellGrant

MESSAGE_CHARACTERS = 2000  # arbitrary; enough for a list of columns
HINT_CHARACTERS = 500
SPOKEN = "The tool ran into an error."
REPEATABLE = (ConnectionError, TimeoutError, InterruptedError)

DENIAL_HINTS = {
    "not_granted": "{target} is outside of what this call may reach: only what the arguments name"
    " and the tool declares is open to it.",
    "read_only": "{target} may be read but not changed: write to a path that the tool may write,"
    " or in its own temporary directory.",
    "no_network": "This tool has no network: do without it, or use a tool that has one.",
    "not_allowed": "This tool may not {operation} here: do without it, or use a tool that may.",
}


def describe(exc: BaseException, grant: CellGrant, folder: str = "") -> dict[str, Any]:
    """
    The payload of the RAISED frame.  `folder` is the tool's own, for its traceback.
    """
    found = denials.find(exc, grant)
    # A tool that says itself what happened has caught whatever it was.
    own_word = isinstance(exc, ToolError) and not isinstance(exc, ResultTooLarge)
    limit = "" if own_word else limits.exceeded(exc)
    report = _blank(exc, limit)
    report["message"] = _message(exc)
    report["traceback"] = tracebacks.of(exc, folder)
    report["denials"] = [denial.describe() for denial in found]
    report |= _verdict(exc, limit, found, grant)
    report["message"] = legible(report["message"], MESSAGE_CHARACTERS)
    report["hint"] = legible(report["hint"], HINT_CHARACTERS)
    return report


def describe_briefly(exc: BaseException) -> dict[str, Any]:
    """
    The same without looking closely: when there is no memory left, or the exception's own code
    fails.
    """
    limit = limits.exceeded(exc)
    report = _blank(exc, limit)
    report["category"] = "permanent" if limit else "unknown"
    report["message"] = report["spoken"] = limits.SPOKEN.get(limit, SPOKEN)
    report["hint"] = limits.HINTS.get(limit, "")
    return report


def _blank(exc: BaseException, limit: str) -> dict[str, Any]:
    command = exc if isinstance(exc, CommandFailed) else None
    return {
        "exception": type(exc).__name__,
        "message": "",
        "code": "",
        "category": "unknown",
        "retryable": False,
        "hint": "",
        "spoken": SPOKEN,
        "traceback": "",
        "exit_code": command.exit_code if command else None,
        "signal": command.signal if command else None,
        "limit": limit,
        "denials": [],
    }


def _verdict(
    exc: BaseException, limit: str, found: list[Denial], grant: CellGrant
) -> dict[str, Any]:
    if isinstance(exc, ToolError):
        return _said(exc)
    if limit:
        hint, spoken = limits.HINTS[limit], limits.SPOKEN[limit]
        return {"category": "permanent", "hint": hint, "spoken": spoken}
    if found:
        return _denied(found[0])
    return _python(exc, grant)


def _said(exc: ToolError) -> dict[str, Any]:
    category = exc.category if exc.category in ("user", "temporary", "permanent") else "unknown"
    return {
        "message": str(exc.message) or exc.code or type(exc).__name__,
        "code": legible(str(exc.code), 200),
        "category": category,
        "retryable": bool(exc.retryable),
        "hint": str(exc.hint),
        "spoken": legible(str(exc.spoken) or SPOKEN, 200),
    }


def _denied(denial: Denial) -> dict[str, Any]:
    target = denial.target or "that"
    hint = DENIAL_HINTS[denial.reason].format(target=target, operation=denial.operation)
    return {"category": "permanent", "hint": hint, "spoken": "The tool was not allowed to do that."}


def _python(exc: BaseException, grant: CellGrant) -> dict[str, Any]:
    if isinstance(exc, SystemExit):
        return _exit(exc)
    if isinstance(exc, REPEATABLE):
        hint = "The other side did not answer as it should: try again later."
        return {"category": "temporary", "retryable": True, "hint": hint}
    if isinstance(exc, RecursionError):
        hint = "Pass data that is nested less deeply: the tool recursed too far."
        return {"category": "permanent", "hint": hint}
    if isinstance(exc, OSError):
        return {"category": "user", "hint": hint} if (hint := _file_hint(exc, grant)) else {}
    if isinstance(exc, UnicodeDecodeError):
        hint = f"The data is not text in {exc.encoding}: name another encoding, or read bytes."
        return {"category": "user", "hint": hint}
    return {}


def _exit(exc: SystemExit) -> dict[str, Any]:
    """
    As the interpreter does it: a number is the code, anything else is a text and means 1.
    """
    code = exc.code
    if code is None or isinstance(code, int):
        number = (code or 0) & 0xFF
        return {
            "message": f"the tool called sys.exit({'' if code is None else code})"
            " instead of returning",
            "exit_code": number,
            "hint": "The tool itself is at fault: a tool returns its result or raises.",
        }
    return {"message": str(code), "exit_code": 1}


def _file_hint(exc: OSError, grant: CellGrant) -> str:
    named = repr(exc.filename) if exc.filename else "it"
    if denials.lacks_only_existence(exc, grant):
        return (
            f"There is no {named}, and this tool may only write what exists: name a file that is"
            ' there, or declare new files with stages("{path}") in the tool.'
        )
    return {
        errno.ENOENT: f"There is no {named}: check the spelling, or list the folder first.",
        errno.EEXIST: f"{named} is there already: use another name, or say to overwrite it.",
        errno.EISDIR: f"{named} is a directory: name a file in it.",
        errno.ENOTDIR: f"{named} is not a directory: name a directory.",
        errno.ENAMETOOLONG: "The name is too long: use a shorter one.",
    }.get(exc.errno or 0, "")


def _message(exc: BaseException) -> str:
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001  # the exception's own code
        text = "its text cannot be read"
    return text or type(exc).__name__
