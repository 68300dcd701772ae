"""
Our own rules for the contract: it explains itself, and twins stay twins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc

from protolint.contract import elements

if TYPE_CHECKING:
    from protolint.spelling import Complaints, Files, Rule

# Python has no way to give two messages the same fields but to write them twice.
TWINS = {
    "RunRequest": "ExecuteRequest",
    "WatchResponse": "ExecuteResponse",
    "WatchWorkflowResponse": "RunWorkflowResponse",
}

STATUS_CODES = {code.name for code in grpc.StatusCode} - {"OK"}
LISTED_CODE = re.compile(r"^ *\* ([A-Z_]+):", re.MULTILINE)
MENTIONED_CODE = re.compile(r"\b[A-Z][A-Z_]{4,}\b")
AS_ANOTHER = re.compile(r"Status codes as `(\w+)`")


def commented(*kinds: str) -> Rule:
    """
    The rule that every element of these kinds has a comment.
    """

    def rule(files: Files) -> Complaints:
        return (each.name for each in elements(files, *kinds) if not each.comment)

    return rule


def rpc_status_codes(files: Files) -> Complaints:
    """
    Every RPC lists its status codes, or says which RPC of its service does.
    """
    listed = {rpc.name: LISTED_CODE.findall(rpc.comment) for rpc in elements(files, "rpc")}
    for rpc in elements(files, "rpc"):
        other = AS_ANOTHER.search(rpc.comment)
        codes = listed.get(f"{rpc.parent.name}.{other[1]}" if other else rpc.name)
        if not codes:
            yield f"{rpc.name} lists no status code"
        for code in set(codes or ()) - STATUS_CODES:
            yield f"{rpc.name} lists {code}, which is no status code"


def service_status_codes(files: Files) -> Complaints:
    """
    Every service lists the codes that any of its RPCs may return.
    """
    for service in elements(files, "service"):
        if not STATUS_CODES & set(MENTIONED_CODE.findall(service.comment)):
            yield service.name


def twins(files: Files) -> Complaints:
    """
    Messages that must have the same fields: one reader, one writer and one journal serve both.
    """
    messages = {each.name: each.declared for each in elements(files, "message")}
    for one, other in TWINS.items():
        if _fields(messages[one]) != _fields(messages[other]):
            yield f"{one} differs from {other}"


def _fields(message: Any) -> list[tuple[Any, ...]]:
    return [
        (
            field.name,
            field.number,
            field.type,
            field.label,
            # A map is a message nested in its owner: its name says whose.
            field.type_name.replace(f".{message.name}.", ".Owner."),
            field.proto3_optional,
            field.HasField("oneof_index"),
        )
        for field in message.field
    ]


RULES: dict[str, Rule] = {
    "COMMENT_SERVICE": commented("service"),
    "COMMENT_RPC": commented("rpc"),
    "COMMENT_MESSAGE": commented("message"),
    "COMMENT_FIELD": commented("field"),
    "COMMENT_ONEOF": commented("oneof"),
    "COMMENT_ENUM": commented("enum"),
    "COMMENT_ENUM_VALUE": commented("value"),
    "RPC_STATUS_CODES": rpc_status_codes,
    "SERVICE_STATUS_CODES": service_status_codes,
    "TWINS": twins,
}
