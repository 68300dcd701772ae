"""
Refusals of the arguments, and of what they would reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.refusals.base import FieldViolation


class ArgumentsNotJson(CallRefused):
    """
    Raised when the arguments are not one strict JSON object.  `pointer` says where (RFC 6901).
    """

    def __init__(self, description: str, pointer: str = "") -> None:
        at = f" at {shown(pointer)}" if pointer else ""
        super().__init__(
            f"arguments_json is refused{at}: {description}",
            "send one strict JSON object in UTF-8",
            violations=[(f"arguments_json{pointer}", description)],
        )


class ArgumentsTooLarge(CallRefused):
    """
    Raised when the arguments are larger than their limit.  Sizes in bytes.
    """

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(
            f"arguments_json has {size} bytes and the limit is {allowed}",
            "send less, or a path to the data instead of the data",
            metadata={"size_bytes": str(size), "allowed_bytes": str(allowed)},
            violations=[("arguments_json", f"must have at most {allowed} bytes")],
        )


class ArgumentsInvalid(CallRefused):
    """
    Raised when the arguments fail the tool's schema; one violation (field, description) each.
    """

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        field, description = violations[0] if violations else ("arguments_json", "is not valid")
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(
            f"the arguments fail the tool's schema: {field} {description}{more}",
            "correct the arguments and call the tool again",
            metadata={"violations": str(len(violations))},
            violations=violations,
        )


class Screened(CallRefused):
    """
    Raised when a text in the arguments looks like an attack on what the tool hands it to; one
    violation (field, kind) each.  What in the text looks so is not told: it would be a manual.
    """

    spoken = "I could not do that, because the request looked unsafe."

    def __init__(self, hits: Sequence[FieldViolation]) -> None:
        field, kind = hits[0]
        more = f" (and {len(hits) - 1} more)" if len(hits) > 1 else ""
        super().__init__(
            f"{field} looks like an injection ({kind}){more}",
            "send that argument as plain text, without code, commands or encoded characters",
            metadata={"kind": kind, "screened": str(len(hits))},
            violations=[(field, f"looks like an injection ({kind})") for field, kind in hits],
        )


class PathNotAllowed(CallRefused):
    """
    Raised when a path that the call needs may not be granted.
    """

    code = "PERMISSION_DENIED"
    spoken = "I am not allowed to use that file."

    def __init__(self, path: str, why: str, remedy: str = "name another path") -> None:
        super().__init__(
            f"the path {shown(path)} may not be granted: {why}", remedy, metadata={"path": path}
        )


class DomainNotAllowed(CallRefused):
    """
    Raised when a host that the call needs may not be granted.
    """

    code = "PERMISSION_DENIED"
    spoken = "I am not allowed to connect there."

    def __init__(self, domain: str, why: str, remedy: str) -> None:
        super().__init__(
            f"connecting to {shown(domain)} may not be granted: {why}",
            remedy,
            metadata={"domain": domain},
        )
