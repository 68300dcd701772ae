"""
In which forms a secret may appear: as it is, and as programs commonly write it.  Pure.

Theory of operation.  A form is matched byte by byte, so each must be the same wherever it stands.
That is not so of base64: three bytes make four characters, so a text that holds the secret (as
`user:secret` does) encodes it in one of three ways, and the characters at both of its ends depend
on its neighbours.  The cores in between do not; they are what is matched, and at most a few bits at
each end stay.  Not known are base64 wrapped into lines, two encodings on top of each other, and
whatever a tool makes up: a tool that wants to tell a secret that it holds can always do so.
"""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

MINIMUM: Final = 8  # bytes; what is shorter is found by chance
MAXIMUM: Final = 8192


def forms(secret: str) -> frozenset[bytes]:
    """
    Every form of a secret, in bytes, none shorter than `MINIMUM`.

    Raises:
        ValueError: the secret is too short to be told from other text, or too long; it is not in
            the text.
    """
    size = len(secret.encode())
    if not MINIMUM <= size <= MAXIMUM:
        raise ValueError(
            f"a secret of {size} bytes cannot be redacted, only one of {MINIMUM} to {MAXIMUM}"
        )
    found = {form.encode() for form in _texts(secret)}
    found.update(_base64_cores(secret.encode()))
    return frozenset(form for form in found if len(form) >= MINIMUM)


def _texts(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield secret
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield data.hex()
    yield data.hex().upper()
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield quoted
        yield _lower_escapes(quoted)
    yield "".join(f"%{byte:02x}" for byte in data)
    yield "".join(f"%{byte:02X}" for byte in data)


def _lower_escapes(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64_cores(data: bytes) -> Iterator[bytes]:
    for before in range(3):
        standard = base64.b64encode(bytes(before) + data)
        begins = before + 1 if before else 0  # characters that the bytes before have a part in
        after = (before + len(data)) % 3
        ends = len(standard) - (4 - after if after else 0)  # and those after
        core = standard[begins:ends]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
