"""
How Anthropic's API asks for a key, and says no.

Source: Anthropic's page on errors; texts that users of the API have quoted in public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.refusing import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
STATUS_WORDS = {
    401: "invalid x-api-key",
    429: "This request would exceed your organization's rate limit.",
    500: "Internal server error",
    529: "Overloaded",
}
TYPES = {
    str: "Input should be a valid string",
    dict: "Input should be a valid dictionary",
    list: "Input should be a valid list",
    bool: "Input should be a valid boolean",
    int: "Input should be a valid integer",
}


def authorize(headers: Mapping[str, str]) -> str:
    """
    The key of `x-api-key`, or the token of `Authorization`; and the version has to be named.
    """
    key = headers.get("x-api-key", "").strip()
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if not key and not (scheme.lower() == "bearer" and token.strip()):
        raise Refused(401, "x-api-key header is required")
    version = headers.get("anthropic-version", "")
    if not version:
        raise Refused(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise Refused(400, f'anthropic-version: "{version}" is not a valid version')
    return key or token.strip()


def error(refused: Refused) -> dict[str, Any]:
    """
    The body of an error.
    """
    kind = refused.kind or KINDS.get(refused.status, "api_error")
    message = refused.message or STATUS_WORDS.get(refused.status, "The request failed.")
    inner = {"type": kind, "message": message}
    return {"type": "error", "error": inner, "request_id": "req_local"}


def invalid(where: str, what: str) -> Refused:
    """
    The request is not as it has to be at a place.
    """
    return Refused(400, f"{where}: {what}")


def field(mapping: Mapping[str, Any], name: str, kind: type, where: str = "") -> Any:
    """
    A required field of a type.
    """
    here = f"{where}.{name}" if where else name
    if name not in mapping:
        raise invalid(here, "Field required")
    return typed(mapping[name], kind, here)


def typed(value: Any, kind: type, where: str) -> Any:
    """
    A value, if it is of that type.
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise invalid(where, TYPES[kind])


def only(mapping: Mapping[str, Any], known: frozenset[str], where: str = "") -> None:
    """
    Refuse fields that there are not.
    """
    for name in mapping:
        if name not in known:
            raise invalid(f"{where}.{name}" if where else name, "Extra inputs are not permitted")
