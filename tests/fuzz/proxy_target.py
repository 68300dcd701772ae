"""
Hostile bytes for the head that a proxy reads: `one_input` raises if a promise is broken.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from toolcell_server.egress.entrance import Entrance, Way
from toolcell_server.egress.http_errors import Malformed
from toolcell_server.egress.http_lines import REQUEST_LINE, HeadLines
from toolcell_server.egress.names import NotAName, normalised
from toolcell_server.egress.proxy_requests import HEAD_BYTES, authorised, entrance_of

TOKEN = "0123456789abcdef0123456789abcdef"  # of nobody
ENCODED = b"Y2VsbDowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg=="


def one_input(data: bytes) -> None:
    """
    The same however it is cut; no byte lost; nobody is let in who did not send the token; and what
    is taken for a name is what others read there.

    Raises:
        AssertionError: a promise is broken.
    """
    whole = _read(data, len(data))
    assert whole == _read(data, 1) == _read(data, 7)
    if whole is None or isinstance(whole, str):
        return
    entrance, let_in = whole
    assert not let_in or ENCODED in data
    assert 0 < entrance.port < 2**16
    assert data.endswith(entrance.early)
    if entrance.way is Way.FORWARD:
        assert data == entrance.early
        _check_url(data, entrance)
    else:
        assert data.startswith(f"CONNECT {entrance.host}:{entrance.port} HTTP/1.".encode())


def _check_url(data: bytes, entrance: Entrance) -> None:
    """
    Of a name that could be granted, the standard library must read the same.
    """
    try:
        name = normalised(entrance.host)
    except NotAName:
        return
    url = urlsplit(data.split(b" ")[1].decode())
    assert (url.hostname or "").removesuffix(".") == name
    assert (url.port or 80) == entrance.port


def _read(data: bytes, step: int) -> tuple[Entrance, bool] | str | None:
    lines, waiting = HeadLines(REQUEST_LINE, HEAD_BYTES), bytearray()
    try:
        for place in range(0, len(data), max(1, step)):
            waiting += data[place : place + step]
            raw = lines.take(waiting)
            if raw is not None:
                behind = bytes(waiting) + data[place + step :]
                return entrance_of(raw, behind), authorised(raw, TOKEN)
    except Malformed as malformed:
        return str(malformed)
    return None
