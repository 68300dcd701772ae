"""
The parts of which records are made, as plain values.  Pure.

Texts that a caller or a tool chose are bounded, and so are lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import limits, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from google.protobuf.duration_pb2 import Duration

    from toolcell_server.grants import Grant
    from toolcell_server.principal import Principal
    from toolcell_server.tool import Tool

LONGEST: Final = 1024  # characters of a text that others chose
LISTED: Final = 64  # of paths, hosts, roles
_WALLS: Final = {number: name.removeprefix("WALL_").lower() for name, number in pb.Wall.items()}
_STATUSES: Final = {
    number: name.removeprefix("WALL_STATUS_").lower() for name, number in pb.WallStatus.items()
}
_LEVELS: Final = {
    number: name.removeprefix("ISOLATION_LEVEL_").lower()
    for name, number in pb.IsolationLevel.items()
}
_ACCESSES: Final = {
    number: name.removeprefix("PATH_ACCESS_").lower() for name, number in pb.PathAccess.items()
}
_EVIDENCES: Final = {
    number: name.removeprefix("EVIDENCE_").lower() for name, number in pb.Evidence.items()
}
_CATEGORIES: Final = {
    number: name.removeprefix("ERROR_CATEGORY_").lower()
    for name, number in pb.ErrorCategory.items()
}


def bounded(text: str, longest: int = LONGEST) -> str:
    """
    A text of at most that many characters, with nothing that UTF-8 cannot carry.
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def texts(found: Sequence[str]) -> list[str]:
    """
    The first of them.
    """
    return [bounded(text) for text in found[:LISTED]]


def about(told: Mapping[str, str | float | bool]) -> dict[str, Any]:
    """
    What is told of an event, texts bounded.
    """
    return {n: bounded(v) if isinstance(v, str) else v for n, v in told.items()}


def who(principal: Principal) -> dict[str, Any]:
    """
    A principal, without its labels: they are of the identity's making, not of the call's.
    """
    return {
        "name": bounded(principal.name),
        "roles": texts(sorted(principal.roles)),
        "session": bounded(principal.session),
        "origin": bounded(principal.origin),
    }


def which(tool: Tool) -> dict[str, Any]:
    """
    A tool.
    """
    return {
        "name": tool.name,
        "version": tool.version,
        "bundle": tool.bundle,
        "effects": tool.effects,
        **({"edition": tool.edition, "scope": tool.scope.kind} if tool.edition else {}),
    }


def denial(denied: pb.Denied) -> dict[str, Any]:
    """
    A verdict.
    """
    return {
        "wall": _WALLS.get(denied.wall, "unspecified"),
        "operation": bounded(denied.operation),
        "target": bounded(denied.target),
        "reason": bounded(denied.reason),
        "evidence": _EVIDENCES.get(denied.evidence, "unspecified"),
        "reported_only": denied.reported_only,
    }


def granted(grant: Grant) -> dict[str, Any]:
    """
    What it may reach: names of variables, not their values.
    """
    return {
        "paths": [
            {"path": bounded(path.path), "access": _ACCESSES.get(path.access, "unspecified")}
            for path in grant.paths[:LISTED]
        ],
        "domains": texts([rule.text for rule in grant.domains]),
        "report_only": grant.report_only,
        "profile": grant.profile,
        "environment": _names(grant.environment),
        "minimum_isolation": _LEVELS.get(grant.minimum_isolation, "unspecified"),
        "limits": {name: getattr(grant.limits, name) for name in limits.NAMES},
    }


def _names(environment: Mapping[str, str]) -> list[str]:
    return texts(sorted(environment))


def walls(report: pb.IsolationReport) -> dict[str, Any]:
    """
    The walls that were up.
    """
    return {
        "level": _LEVELS.get(report.level, "unspecified"),
        "walls": {
            _WALLS.get(wall.wall, "unspecified"): _STATUSES.get(wall.status, "unspecified")
            for wall in report.walls
        },
    }


def outcome(outcome: pb.Outcome) -> dict[str, Any]:
    """
    How it ended, without the tool's traceback: that holds what the tool held.
    """
    said: dict[str, Any] = {"kind": outcomes.label(outcome)}
    if said["kind"] == "completed":
        return said
    said["category"] = _CATEGORIES.get(outcome.category, "unspecified")
    said["retryable"] = outcome.retryable
    said["message"] = bounded(outcome.message)
    said["denials"] = [denial(each) for each in outcome.denials[:LISTED]]
    for name in ("failed", "violated", "cancelled", "lost"):
        if outcome.HasField(name):
            said |= _plain(getattr(outcome, name).ListFields())
    return said


def _plain(fields: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """
    The scalars of a message, enumerations by name.
    """
    said: dict[str, Any] = {}
    for field, value in fields:
        kinds = field.enum_type
        if kinds is not None and value in kinds.values_by_number:
            value = kinds.values_by_number[value].name  # noqa: PLW2901
        said[field.name] = bounded(value) if isinstance(value, str) else value
    said.pop("traceback", None)  # it holds what the tool held
    return said


def fell_back(told: pb.FellBack | None) -> dict[str, Any] | None:
    """
    Which tool ran in place of which, why, and what it was granted.
    """
    if told is None:
        return None
    return {
        "tool": told.tool,
        "version": told.version,
        "fallback": told.fallback,
        "fallback_version": told.fallback_version,
        "refusal": told.refusal,
        "outcome": outcomes.label(told.outcome) if told.HasField("outcome") else "",
        "paths": [
            {"path": bounded(path.path), "access": _ACCESSES.get(path.access, "unspecified")}
            for path in told.grants.paths[:LISTED]
        ],
        "domains": texts(told.grants.domains),
    }


def usage(usage: pb.Usage) -> dict[str, Any]:
    """
    What it used, as the kernel measured.
    """
    return {
        "wall_seconds": seconds(usage.wall),
        "cpu_user_seconds": seconds(usage.cpu_user),
        "cpu_system_seconds": seconds(usage.cpu_system),
        "memory_peak_bytes": usage.memory_peak_bytes,
        "processes_peak": usage.processes_peak,
        "stdout_bytes": usage.stdout_bytes,
        "stderr_bytes": usage.stderr_bytes,
        "network_sent_bytes": usage.network_sent_bytes,
        "network_received_bytes": usage.network_received_bytes,
        "file_operations": usage.file_operations,
    }


def contact(contact: pb.HostContact) -> dict[str, Any]:
    """
    What went to one host and came from there.
    """
    return {
        "host": bounded(contact.host),
        "port": contact.port,
        "connections": contact.connections,
        "sent_bytes": contact.sent_bytes,
        "received_bytes": contact.received_bytes,
    }


def labels(labels: Mapping[str, str]) -> dict[str, str]:
    """
    The caller's labels.
    """
    return {bounded(name): bounded(value) for name, value in labels.items()} if labels else {}


def seconds(span: Duration) -> float:
    """
    A span in seconds, to the microsecond.
    """
    return round(span.seconds + span.nanos / 1e9, 6)
