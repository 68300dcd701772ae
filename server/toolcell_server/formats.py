"""
The formats of JSON Schema, asserted: what each must be, by its RFC, in linear time.  Pure.

Theory of operation.  jsonschema checks `date-time`, `uri` and most others only where further
packages are installed, some twelve, and takes everything where they are not; a schema would mean
less than it says, and nobody would see it.  Here is every format of both dialects, so that the same
is refused everywhere.  None backtracks: each expression has one way to match, so
a schema with formats is checked at once, but for `regex`, which compiles what it is given.

A format that is none of these and none of `ANNOTATIONS` is refused when the tool is registered:
"datetime" is a mistake that would never be noticed.  The annotations (OpenAPI's, pydantic's) say
how a value is shown or stored, and assert nothing.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from datetime import date as Date  # noqa: N812  # `date` is a format here
from typing import TYPE_CHECKING, Any, Final

import idna
from jsonschema import FormatChecker

if TYPE_CHECKING:
    from collections.abc import Callable

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = re.compile(
    r"(\d\d):(\d\d):(\d\d)(?:\.\d{1,32})?(?:z|([+-])(\d\d):(\d\d))", re.ASCII | re.IGNORECASE
)
# RFC 3339, appendix A, and what Python writes besides: a sign, and a fraction of seconds.
_DURATION: Final = re.compile(
    r"-?P(?:\d+W|(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+D)?"
    r"(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)",
    re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^@\s]{1,256}@[^@\s]{1,255}")
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=\[\]-]*+", re.ASCII)
_IRI: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=\[\]\u00a0-\ud7ff\uf900-\U000efffd-]*+")
_AUTHORITY: Final = re.compile(r"//([^/?#]*+)")
_PORT: Final = re.compile(r"(?::[0-9]*+)?", re.ASCII)
_POINTER: Final = re.compile(r"(?:/[^/~]*+(?:~[01][^/~]*+)*)*")
_RELATIVE: Final = re.compile(r"(?:0|[1-9][0-9]*+)(?:[+-][1-9][0-9]*+)?(.*)", re.DOTALL)
_TEMPLATE: Final = re.compile(
    r"[^{}\x00-\x20\"'<>\\^`|]*+(?:\{[+#./;?&=,!@|]?[A-Za-z0-9_.%]++(?::[1-9][0-9]{0,3}|\*)?"
    r"(?:,[A-Za-z0-9_.%]++(?::[1-9][0-9]{0,3}|\*)?)*\}[^{}\x00-\x20\"'<>\\^`|]*+)*"
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def date(text: str) -> bool:
    """
    RFC 3339, full-date.
    """
    return bool(_DATE.fullmatch(text)) and bool(Date.fromisoformat(text))


def time(text: str) -> bool:
    """
    RFC 3339, full-time: with an offset; second 60 only where a leap second can be.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    sign, hours, minutes = found[4], int(found[5] or 0), int(found[6] or 0)
    if hour > 23 or minute > 59 or second > 60 or hours > 23 or minutes > 59:
        return False
    away = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
    return second < 60 or (hour * 60 + minute - away) % 1440 == 1439


def date_time(text: str) -> bool:
    """
    RFC 3339, date-time.
    """
    return text[10:11] in ("T", "t") and date(text[:10]) and time(text[11:])


def hostname(text: str) -> bool:
    """
    RFC 1123 and, for its labels in A-form, RFC 5891.
    """
    name = text.removesuffix(".")
    labels = name.split(".") if len(name) <= 253 else []
    if not labels or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return all(bool(idna.ulabel(one)) for one in labels if one.lower().startswith("xn--"))


def idn_hostname(text: str) -> bool:
    """
    RFC 5890: a name in letters of any script.
    """
    return len(text) <= 253 and bool(idna.encode(text))


def uri(text: str) -> bool:
    """
    RFC 3986: with a scheme.
    """
    return bool(_SCHEME.match(text)) and uri_reference(text)


def uri_reference(text: str) -> bool:
    """
    RFC 3986: with a scheme or relative.
    """
    return _reference(text, _URI)


def iri(text: str) -> bool:
    """
    RFC 3987: as `uri`, in letters of any script.
    """
    return bool(_SCHEME.match(text)) and _reference(text, _IRI)


def iri_reference(text: str) -> bool:
    """
    RFC 3987: as `uri_reference`, in letters of any script.
    """
    return _reference(text, _IRI)


def _reference(text: str, characters: re.Pattern[str]) -> bool:
    plain = _ESCAPED.sub("", text)
    if not characters.fullmatch(plain) or plain.count("#") > 1:
        return False
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    if scheme is None and ":" in re.split("[/?#]", rest, maxsplit=1)[0]:
        return False
    found = _AUTHORITY.match(rest)
    authority, path = (found[1], rest[found.end() :]) if found else ("", rest)
    return _is_authority(authority) and not set("[]") & set(path)


def _is_authority(authority: str) -> bool:
    before, _, host = authority.rpartition("@")
    if set("@[]") & set(before):
        return False
    if host.startswith("["):
        address, closed, port = host[1:].partition("]")
        return bool(closed and _PORT.fullmatch(port) and ipaddress.IPv6Address(address))
    name, _, port = host.partition(":")
    return not set("[]") & set(name) and (port == "" or (port.isascii() and port.isdecimal()))


def email(text: str) -> bool:
    """
    One @ between two parts without blanks: what can be said without asking the host.
    """
    return bool(_EMAIL.fullmatch(text))


def ipv6(text: str) -> bool:
    """
    RFC 4291, without a zone.
    """
    return "%" not in text and bool(ipaddress.IPv6Address(text))


def relative_json_pointer(text: str) -> bool:
    """
    draft-bhutton-relative-json-pointer-00.
    """
    found = _RELATIVE.fullmatch(text)
    return found is not None and (found[1] in ("", "#") or bool(_POINTER.fullmatch(found[1])))


def _compiles(text: str) -> bool:
    return bool(re.compile(text))


QUICK: Final[dict[str, Callable[[str], object]]] = {
    "date": date,
    "time": time,
    "date-time": date_time,
    "duration": _DURATION.fullmatch,
    "email": email,
    "idn-email": email,
    "hostname": hostname,
    "idn-hostname": idn_hostname,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipv6,
    "uri": uri,
    "uri-reference": uri_reference,
    "iri": iri,
    "iri-reference": iri_reference,
    "uri-template": _TEMPLATE.fullmatch,
    "json-pointer": _POINTER.fullmatch,
    "relative-json-pointer": relative_json_pointer,
    "uuid": lambda text: _UUID.fullmatch(text) and uuid.UUID(text),
}
ASSERTED: Final = frozenset({*QUICK, "regex"})
ANNOTATIONS: Final = frozenset(
    {
        *("int32", "int64", "float", "double", "decimal", "byte", "binary", "password", "char"),
        *("path", "file-path", "directory-path", "json-string", "base64", "base64url", "html"),
        *("markdown", "text", "textarea", "multi-line", "color", "phone", "style", "time-delta"),
    }
)


def checker() -> FormatChecker:
    """
    Checks all of them, in both dialects.
    """
    made = FormatChecker(formats=())
    for name, asserted in {**QUICK, "regex": _compiles}.items():
        made.checks(name, raises=(ValueError, re.error, RecursionError, OverflowError))(
            _of_texts(asserted)
        )
    return made


def _of_texts(asserted: Callable[[str], object]) -> Callable[[Any], bool]:
    """
    A format says nothing of what is no text.
    """
    return lambda value: not isinstance(value, str) or bool(asserted(value))
