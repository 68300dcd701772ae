"""
How Google's Gemini API asks for a key, and says no.

Source: Google's error model (AIP-193); texts that users of the API have quoted in public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.refusing import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
STATUS_WORDS = {
    429: "You exceeded your current quota, please check your plan and billing details.",
    500: "An internal error has occurred. Please retry or report.",
    503: "The model is overloaded. Please try again later.",
}
TYPES = "type.googleapis.com/google."


def authorize(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """
    The key of `x-goog-api-key`, or of the query.
    """
    key = headers.get("x-goog-api-key", "").strip() or query.get("key", "").strip()
    if not key:
        raise Refused(
            403,
            "Method doesn't allow unregistered callers (callers without established identity)."
            " Please use API Key or other form of API consumer identity to call this API.",
        )
    return key


def error(refused: Refused) -> dict[str, Any]:
    """
    The body of an error.
    """
    status = refused.status
    message = refused.message or STATUS_WORDS.get(status, "The request failed.")
    details: list[dict[str, Any]] = []
    if refused.code == "invalid_api_key":
        message = "API key not valid. Please pass a valid API key."
        details.append({"@type": f"{TYPES}rpc.ErrorInfo", "reason": "API_KEY_INVALID"})
    elif refused.code == "model_not_found":
        name = refused.message.replace("model: ", "models/")
        message = f"{name} is not found for API version v1beta."
    if refused.retry_after is not None:
        delay = f"{refused.retry_after:g}s"
        details.append({"@type": f"{TYPES}rpc.RetryInfo", "retryDelay": delay})
    inner = {"code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN")}
    return {"error": inner | ({"details": details} if details else {})}


def invalid(message: str) -> Refused:
    """
    The request is not as it has to be.
    """
    return Refused(400, message)


def wrong(where: str, what: str) -> Refused:
    """
    A field does not hold what it has to.
    """
    return invalid(f"* GenerateContentRequest.{where}: {what}")


def take(mapping: Any, known: Mapping[str, type], where: str) -> dict[str, Any]:
    """
    A message's fields by their names in lowerCamelCase; both ways to write them are taken, as
    protobuf's JSON is.  Nulls are left out.

    Raises:
        Refused: it is no message, or a field is unknown or of another type.
    """
    if not isinstance(mapping, dict):
        raise invalid(f"Invalid value at '{where}' (Map), {mapping!r}")
    taken: dict[str, Any] = {}
    for written, value in mapping.items():
        name = camel(written)
        here = f" at '{where}'" if where else ""
        if name not in known:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{written}"{here}: Cannot find field.'
            )
        if value is None:
            continue
        if not isinstance(value, known[name]):
            place = f"{where}.{written}" if where else written
            raise invalid(f"Invalid value at '{place}', {value!r}")
        taken[name] = value
    return taken


def camel(name: str) -> str:
    """
    A name in lowerCamelCase.
    """
    first, *rest = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in rest)
