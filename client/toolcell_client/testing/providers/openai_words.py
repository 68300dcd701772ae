"""
How OpenAI's endpoints ask for a key, and say no.

Source: error texts that users of the API have quoted in public; their wording may change, and
clients should go by `code` and `param`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.refusing import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {str: "a string", dict: "an object", list: "an array", bool: "a boolean", int: "an integer"}
STATUS_WORDS = {
    401: "Incorrect API key provided. You can find your API key in your account's settings.",
    404: "Not found.",
    429: "Rate limit reached for requests.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The engine is currently overloaded, please try again later.",
}
STATUS_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
STATUS_KINDS = {429: "requests", 500: "server_error", 503: "service_unavailable_error"}


def authorize(headers: Mapping[str, str]) -> str:
    """
    The key of `Authorization: Bearer`.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization"
            " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    return key.strip()


def error(refused: Refused) -> dict[str, Any]:
    """
    The body of an error.
    """
    status = refused.status
    message = refused.message or STATUS_WORDS.get(status, "The request failed.")
    if refused.code == "model_not_found":
        message = f"The {refused.message.replace('model: ', 'model `')}` does not exist."
    kind = refused.kind or STATUS_KINDS.get(status, "invalid_request_error")
    code = refused.code or STATUS_CODES.get(status)
    param = refused.param or None
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def invalid(message: str, param: str, code: str = "invalid_value") -> Refused:
    """
    The request is not as it has to be.
    """
    return Refused(400, message, param=param, code=code)


def missing(param: str) -> Refused:
    """
    A required field is not there.
    """
    return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def unknown(param: str) -> Refused:
    """
    A field that there is not.
    """
    return invalid(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def too_long(param: str, most: int, length: int, what: str = "string") -> Refused:
    """
    A string or an array is longer than is taken.
    """
    a = "an" if what[0] in "aeiou" else "a"
    return invalid(
        f"Invalid '{param}': {what} too long. Expected {a} {what} with maximum length {most},"
        f" but got {a} {what} with length {length} instead.",
        param,
        f"{what}_above_max_length",
    )


def field(mapping: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """
    A required field of a type.
    """
    param = f"{where}.{name}" if where else name
    if name not in mapping:
        raise missing(param)
    return typed(mapping[name], kind, param)


def typed(value: Any, kind: type, param: str) -> Any:
    """
    A value, if it is of that type; `bool` is no `int`.
    """
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    got = "null" if value is None else NAMES.get(type(value), "a number")
    raise invalid(
        f"Invalid type for '{param}': expected {NAMES[kind]}, but got {got} instead.",
        param,
        "invalid_type",
    )


def only(mapping: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """
    Refuse fields that there are not.
    """
    for name in mapping:
        if name not in known:
            raise unknown(f"{where}.{name}" if where else name)


def text_of(content: Any, param: str, kinds: tuple[str, ...] = ("text",)) -> str:
    """
    The text of a content: text, or a list of parts.
    """
    if isinstance(content, str):
        return content
    texts = []
    for at, part in enumerate(typed(content, list, param)):
        here = f"{param}[{at}]"
        kind = field(typed(part, dict, here), "type", str, here)
        if kind in kinds:
            texts.append(field(part, "text" if kind != "refusal" else "refusal", str, here))
        elif kind not in OTHER_PARTS:
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: {', '.join(map(repr, kinds))}.",
                f"{here}.type",
            )
    return "".join(texts)


OTHER_PARTS = frozenset(
    {"image_url", "input_audio", "file", "input_image", "input_file", "summary_text"}
)
