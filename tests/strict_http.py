"""
A second reader of HTTP/1.1, strict and simple, that shares nothing with the gate or with h11.

It reads what the gate wrote: a gate and a reader that agree could still both be wrong, but not in
the same way by chance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class NotStrict(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when bytes that the gate wrote are not what a server must read in one way only.
    """


@dataclass(frozen=True, slots=True)
class Message:
    """
    `first` is the request or status line; names are in lower case; `whole` if nothing is missing.
    """

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


REQUEST = re.compile(r"[!-~]+ (/[!-~]*|\*) HTTP/1\.1")
STATUS = re.compile(r"HTTP/1\.1 [1-9]\d\d [\t -~\x80-\xff]*")
HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)")


def requests(data: bytes) -> list[Message]:
    """
    Every message in `data`; only the last may be cut off, within its body.

    Raises:
        NotStrict: the bytes are anything else.
    """
    found = []
    while data:
        message, data = _message(data, REQUEST, None)
        if len(message.values("host")) != 1:
            raise NotStrict("not one host")
        found.append(message)
    return found


def responses(data: bytes, methods: list[str]) -> list[Message]:
    """
    Every response in `data`, 1xx among them, to requests of those methods.

    Raises:
        NotStrict: the bytes are anything else, or there are more responses than requests.
    """
    found = []
    left = list(methods)
    while data:
        message, data = _message(data, STATUS, left[0] if left else "")
        found.append(message)
        if not message.first.startswith("HTTP/1.1 1"):
            del left[:1]
    return found


def _message(data: bytes, first: re.Pattern[str], method: str | None) -> tuple[Message, bytes]:
    head, blank, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not blank or not first.fullmatch(lines[0]):
        raise NotStrict(f"no head: {head[:80]!r}")
    matches = [HEADER.fullmatch(line) for line in lines[1:]]
    headers = tuple((match[1].lower(), match[2]) for match in matches if match)
    if len(headers) != len(matches):
        raise NotStrict("a line that is no header")
    body, whole, rest = _body(dict(headers), headers, rest, lines[0], method)
    return Message(lines[0], headers, body, whole), rest


def _body(
    by_name: dict[str, str],
    headers: tuple[tuple[str, str], ...],
    rest: bytes,
    first: str,
    method: str | None,
) -> tuple[bytes, bool, bytes]:
    framing = [name for name, _ in headers if name in {"content-length", "transfer-encoding"}]
    if len(framing) > 1:
        raise NotStrict("framed twice")
    if method is not None and (method == "HEAD" or re.match(r"HTTP/1.1 (1..|204|304)", first)):
        return b"", True, rest
    if framing == ["transfer-encoding"]:
        if by_name["transfer-encoding"] != "chunked":
            raise NotStrict("an unknown encoding")
        return _chunks(rest)
    if framing:
        length = int(by_name["content-length"])
        return rest[:length], len(rest) >= length, rest[length:]
    return (b"", True, rest) if method is None else (rest, True, b"")


def _chunks(rest: bytes) -> tuple[bytes, bool, bytes]:
    body = b""
    while rest:
        line, blank, rest = rest.partition(b"\r\n")
        if not blank or not re.fullmatch(rb"[0-9a-f]+", line):
            raise NotStrict(f"no chunk: {line[:20]!r}")
        size = int(line, 16)
        body += rest[:size]
        if rest[size : size + 2] != b"\r\n":
            raise NotStrict("a chunk is cut off")
        rest = rest[size + 2 :]
        if not size:
            return body, True, rest
    return body, False, b""
