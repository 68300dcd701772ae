"""
Refusals of a tool: it is not there, not usable, or not for this caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence


MAXIMUM_VERSIONS: Final = 5  # arbitrary; who wants an old one knows its name


class UnknownTool(CallRefused):
    """
    Raised when no tool, or no such version of it, is registered.  `close_matches` are names of
    similar tools; `versions`, newest first, those that the tool does have.
    """

    code = "NOT_FOUND"
    spoken = "I do not have a tool for that."

    def __init__(
        self,
        name: str,
        close_matches: Sequence[str] = (),
        version: str = "",
        versions: Sequence[str] = (),
    ) -> None:
        of_version = f" in version {shown(version)}" if version else ""
        super().__init__(
            f"no tool {shown(name)} is registered{of_version}",
            _instead(close_matches, versions[:MAXIMUM_VERSIONS]),
            metadata={
                "tool": name,
                "version": version,
                "close_matches": ",".join(close_matches),
                "versions": ",".join(versions[:MAXIMUM_VERSIONS]),
            },
        )


class UnknownBundle(CallRefused):
    """
    Raised when the settings have no bundle of that name; `bundles` are those that they have.
    """

    code = "NOT_FOUND"
    spoken = "I do not know that group of tools."

    def __init__(self, bundle: str, bundles: Sequence[str]) -> None:
        super().__init__(
            f"there is no bundle {shown(bundle)}",
            f"name one of {', '.join(bundles)}, or none for all",
            metadata={"bundle": bundle, "bundles": ",".join(bundles)},
        )


class ToolBroken(CallRefused):
    """
    Raised when the tool is registered and its code or manifest does not load.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "That tool is out of order."

    def __init__(self, name: str, broken_reason: str) -> None:
        super().__init__(
            f"the tool {shown(name)} is broken: {broken_reason}",
            "use another tool and tell the operator",
            metadata={"tool": name},
        )


class SwitchedOff(CallRefused):
    """
    Raised when the operator has switched off the tool, or something that it needs; `switch` is
    what switches it on.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "That is switched off."

    def __init__(self, what: str, switch: str = "") -> None:
        where = f"set {switch}" if switch else "switch it on in the server's policy"
        super().__init__(
            f"{what} is switched off by the operator",
            f"do without it, or ask the operator to {where}",
            metadata={"switched_off": what},
        )


class ToolUnavailable(CallRefused):
    """
    Raised when a tool has failed so often of late that it is left alone for a while.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "That tool has trouble right now."

    def __init__(self, name: str, retry_delay_seconds: float) -> None:
        super().__init__(
            f"the tool {shown(name)} has failed too often of late and is left alone for a while",
            f"use another tool, or try again in {retry_delay_seconds:.1f} s",
            metadata={"tool": name},
            retry_delay_seconds=retry_delay_seconds,
        )


# Why a level is not reached, and what to do.
_OF_HOST: Final = (
    "this host has {have}: {wall} is missing",
    "run `toolcell doctor` on the server's host for the remedy",
)
_OF_CLIENT: Final = (
    "this tool has {have}: it is hosted, and runs at a client outside every cell",
    "call a tool that runs in a cell",
)
_REPORT_ONLY: Final = (
    "this call would have {have}: its allowlist only reports",
    "ask the operator to set policy.domains_report_only = false",
)


class IsolationBelowFloor(CallRefused):
    """
    Raised when cells are isolated less than the call, tool or operator demands: on this host; or,
    `report_only`, because the operator only reports what this call's allowlist denies; or because
    the tool is `hosted`, and runs in no cell.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "I cannot run that safely here."

    def __init__(
        self,
        wanted: str,
        have: str,
        missing_wall: str,
        *,
        report_only: bool = False,
        hosted: bool = False,
    ) -> None:
        of_cell = _REPORT_ONLY if report_only else _OF_HOST
        why, remedy = _OF_CLIENT if hosted else of_cell
        super().__init__(
            f"isolation {wanted} is demanded and {why.format(have=have, wall=missing_wall)}",
            f"{remedy}, or demand less",
            metadata={"wanted": wanted, "have": have, "missing_wall": missing_wall},
        )


class NotPermitted(CallRefused):
    """
    Raised when the caller may not do this, whether or not it exists.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "I am not allowed to do that."

    def __init__(self, what: str) -> None:
        super().__init__(f"not permitted: {what}", "ask the operator for the right to do it")


def _instead(close_matches: Sequence[str], versions: Sequence[str]) -> str:
    if versions:
        return f"use version {' or '.join(versions)}, or leave the version out for the newest"
    if close_matches:
        return f"use one of these: {', '.join(close_matches)}"
    return "list the tools and use one of them"
