"""
Refusals: why a call ran nothing.
"""

from toolcell_server.refusals.arguments import (
    ArgumentsInvalid,
    ArgumentsNotJson,
    ArgumentsTooLarge,
    DomainNotAllowed,
    PathNotAllowed,
)
from toolcell_server.refusals.base import CallRefused
from toolcell_server.refusals.callers import Unauthenticated
from toolcell_server.refusals.executions import (
    Draining,
    EventsExpired,
    KeeperDown,
    NoCapacity,
    RequestIdReused,
    UnknownExecution,
)
from toolcell_server.refusals.fields import (
    BadPageToken,
    FieldNotSupported,
    GrantTooWide,
    InvalidField,
    LimitAboveCeiling,
)
from toolcell_server.refusals.tools import (
    IsolationBelowFloor,
    NotPermitted,
    SwitchedOff,
    ToolBroken,
    UnknownTool,
)

__all__ = [
    "ArgumentsInvalid",
    "ArgumentsNotJson",
    "ArgumentsTooLarge",
    "BadPageToken",
    "CallRefused",
    "DomainNotAllowed",
    "Draining",
    "EventsExpired",
    "FieldNotSupported",
    "GrantTooWide",
    "InvalidField",
    "IsolationBelowFloor",
    "KeeperDown",
    "LimitAboveCeiling",
    "NoCapacity",
    "NotPermitted",
    "PathNotAllowed",
    "RequestIdReused",
    "SwitchedOff",
    "ToolBroken",
    "Unauthenticated",
    "UnknownExecution",
    "UnknownTool",
]
