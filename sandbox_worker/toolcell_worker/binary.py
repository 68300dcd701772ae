"""
Bytes in a JSON value: texts as they are, anything else in base64 and marked so.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from toolcell_worker.errors import ToolError


class Base64(msgspec.Struct, forbid_unknown_fields=True):
    """
    Bytes that are not text, as {"base64": "…"}.
    """

    base64: str


def pack(data: bytes) -> str | Base64:
    """
    Bytes as text if they are UTF-8, else in base64.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Base64(base64.b64encode(data).decode())


def unpack(content: str | Base64) -> bytes:
    """
    The bytes that `pack` was given.

    Raises:
        ToolError: it is not base64.
    """
    return content.encode() if isinstance(content, str) else from_base64(content.base64)


def from_base64(text: str) -> bytes:
    """
    Raises:
        ToolError: it is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ToolError(
            f"this is not base64: {exc}",
            code="NOT_BASE64",
            category="user",
            hint="Encode it again.",
        ) from None
