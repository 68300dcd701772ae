"""
Builds requests from Python values.  Pure.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2

from toolcell_client.limits import Limits, duration, limits_message

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

Arguments = Mapping[str, Any] | str | bytes | None
Grants = Mapping[str, Any] | pb.Grants | None


class CallOptions(TypedDict, total=False):
    """
    What a call may say beside its tool and arguments; every field may be left out.
    """

    version: str  # exact version; left out: the newest that is not deprecated
    request_id: str | None  # idempotency key; left out: a new UUID; "": none
    call_id: str  # the caller's own id, echoed
    timeout: float | None  # seconds from receipt to ending; left out: the client's
    limits: Limits  # lower limits: {"wall_seconds": 5, "memory_bytes": 2**26}
    grants: Grants  # narrower grants: {"paths": ["/a"], "domains": ["host:443"]}
    minimum_isolation: str | int  # "basic", "strong" or "full"
    validate_only: bool  # check everything, run nothing
    approval_token: str  # of the `ApprovalRequired` that this same call was refused with
    approval_pin: str  # what the person typed, if the principal has a PIN
    labels: Mapping[str, str]  # kept with the execution
    detached: bool  # go on when nobody reads
    no_cache: bool  # never answer from the cache
    session_id: str  # whose workspace the call uses: see `Client.session`


class CallFields(TypedDict, total=False):
    """
    The fields that ExecuteRequest and RunRequest share, as messages take them.
    """

    tool: str
    version: str
    arguments_json: bytes
    request_id: str
    call_id: str
    timeout: Duration | None
    limits: pb.Limits | None
    grants: pb.Grants | None
    minimum_isolation: pb.IsolationLevel.ValueType
    validate_only: bool
    approval_token: str
    labels: Mapping[str, str]
    detached: bool
    no_cache: bool
    session_id: str


def call_fields(
    tool: str,
    arguments: Arguments = None,
    *,
    version: str = "",
    request_id: str | None = None,
    call_id: str = "",
    timeout: float | None = None,
    limits: Limits = None,
    grants: Grants = None,
    minimum_isolation: str | int = 0,
    validate_only: bool = False,
    approval_token: str = "",
    approval_pin: str = "",
    labels: Mapping[str, str] | None = None,
    detached: bool = False,
    no_cache: bool = False,
    session_id: str = "",
    **unknown: object,
) -> CallFields:
    """
    The fields of a call; `request_id` is made up unless given ("" sends none).

    Raises:
        TypeError: a value is of a type that cannot be sent.
        ValueError: a value cannot be sent; names it.
    """
    for name, value in unknown.items():
        raise TypeError(
            f"no option is called {name!r}; arguments go in a mapping:"
            f' run("{tool}", {{"{name}": {value!r:.80}}})'
        )
    return CallFields(
        tool=tool,
        version=version,
        arguments_json=arguments_json(arguments),
        request_id=str(uuid.uuid4()) if request_id is None else request_id,
        call_id=call_id,
        timeout=None if timeout is None else duration("timeout", timeout),
        limits=limits_message(limits),
        grants=grants_message(grants),
        minimum_isolation=pb.IsolationLevel.ValueType(
            enum_number(pb.IsolationLevel, minimum_isolation)
        ),
        validate_only=validate_only,
        approval_token=_approval(approval_token, approval_pin),
        labels=_labels(labels or {}),
        detached=detached,
        no_cache=no_cache,
        session_id=session_id,
    )


def _approval(token: str, pin: str) -> str:
    if pin and not token:
        raise ValueError("approval_pin goes with an approval_token, and none is given")
    return f"{token}.{pin}" if pin else token


def arguments_json(arguments: Arguments) -> bytes:
    """
    The arguments as JSON text; text and bytes go as they are, for the server to check.

    Raises:
        TypeError: not a mapping, text or bytes, or a value in it that JSON does not have.
        ValueError: NaN, infinity, a cycle, or text that is not Unicode.
    """
    if arguments is None:
        return b""
    if isinstance(arguments, bytes):
        return arguments
    if isinstance(arguments, str):
        return arguments.encode()
    if not isinstance(arguments, Mapping):
        raise TypeError(
            f"arguments must be a mapping, or JSON as str or bytes, not {type(arguments).__name__}"
        )
    text = json.dumps(dict(arguments), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"label {key!r} must be text: a str for a str, not {value!r:.80}")
    return dict(labels)


def grants_message(grants: Grants) -> pb.Grants | None:
    """
    Grants from `{"paths": ["/a", {"path": "/b", "access": "write"}], "domains": ["host:443"]}`.

    Raises:
        TypeError: a value that is no list, or a domain that is no text.
        ValueError: an unknown key or access, or an empty list, which would mean all that the tool
            has, not nothing.
    """
    if isinstance(grants, pb.Grants):
        return grants
    if not grants:
        return None
    if unknown := sorted(set(grants) - {"paths", "domains"}):
        raise ValueError(f"grants have no {unknown[0]!r}; they have paths and domains")
    for key, entries in grants.items():
        if not isinstance(entries, list | tuple):
            raise TypeError(f"grants: {key} must be a list, not {entries!r:.80}")
        if not entries:
            raise ValueError(f"grants: no {key} would mean all of the tool's own; leave {key} out")
    return pb.Grants(
        paths=[_path_grant(each) for each in grants.get("paths", ())],
        domains=[_domain_grant(each) for each in grants.get("domains", ())],
    )


def _domain_grant(grant: Any) -> str:
    if not isinstance(grant, str):
        raise TypeError(f"grants: a domain must be a text, as 'host:443', not {grant!r:.80}")
    return grant


def _path_grant(grant: str | Mapping[str, Any]) -> pb.PathGrant:
    if isinstance(grant, str):
        grant = {"path": grant}
    access = enum_number(pb.PathAccess, grant.get("access", "read"))
    return pb.PathGrant(path=grant["path"], access=pb.PathAccess.ValueType(access))


def enum_number(enum: Any, value: str | int) -> int:
    """
    The number of an enum's value by its short name ("strong") or number.

    Raises:
        ValueError: the enum has no such value.
    """
    prefix = enum.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    if isinstance(value, str):
        name = f"{prefix}{value.upper()}"
        if name in enum.keys():  # noqa: SIM118  # an enum wrapper is not a mapping
            return int(enum.Value(name))
    elif value in enum.values():
        return int(value)
    known = ", ".join(each.name.removeprefix(prefix).lower() for each in enum.DESCRIPTOR.values[1:])
    raise ValueError(f"{enum.DESCRIPTOR.name} has no {value!r}; it has {known}")


def executions_page(
    state: str | int, tool: str, principal: str, page_size: int
) -> pb.ListExecutionsRequest:
    """
    Asks for the first page of executions.
    """
    number = pb.ExecutionState.ValueType(enum_number(pb.ExecutionState, state or 0))
    return pb.ListExecutionsRequest(
        page_size=page_size, state=number, tool=tool, principal=principal
    )


def tools_page(
    category: str, tags: Iterable[str], state: str | int, page_size: int, session_id: str = ""
) -> registry_pb2.ListToolsRequest:
    """
    Asks for the first page of tools.
    """
    number = registry_pb2.ToolState.ValueType(enum_number(registry_pb2.ToolState, state or 0))
    return registry_pb2.ListToolsRequest(
        page_size=page_size, category=category, tags=tags, state=number, session_id=session_id
    )
