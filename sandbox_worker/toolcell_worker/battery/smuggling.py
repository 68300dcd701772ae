"""
Requests that two readers read in two ways: each holds one for `/smuggled`, which nobody may get.

`{host}` is the granted host and its port, `{name}` without it, `{other}` another host and its port.
"""

from __future__ import annotations

_HIDDEN = "GET /smuggled HTTP/1.1\r\nHost: {other}\r\n\r\n"
_POST = "POST /first HTTP/1.1\r\nHost: {host}\r\n"
_GET = "GET /smuggled HTTP/1.1\r\nHost: {host}\r\n"
# Each is two requests to our site, or one that is never granted; sent to it, the second is seen.
PAYLOADS = {
    "a length and chunks": _POST
    + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + _HIDDEN,
    "chunks and a length": _POST
    + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"
    + _HIDDEN,
    "two lengths": _POST + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + _HIDDEN,
    "a length in a list": _POST + "Content-Length: 0\r\nContent-Length: 0, 60\r\n\r\n" + _HIDDEN,
    "a blank before a colon": _POST + "Content-Length : 60\r\n\r\n" + _HIDDEN,
    "a bad chunk": _POST + "Transfer-Encoding: chunked\r\n\r\n" + _HIDDEN,
    "chunks twice": _POST + "Transfer-Encoding: chunked, chunked\r\n\r\n" + _HIDDEN,
    "chunks of an unknown kind": _POST + "Transfer-Encoding: xchunked\r\n\r\n" + _HIDDEN,
    "a folded line": _POST + "Transfer-Encoding:\r\n chunked\r\n\r\n" + _HIDDEN,
    "a folded line that hides a length": _POST + "X: a\r\n Content-Length: 60\r\n\r\n" + _HIDDEN,
    "a pipelined request for another host": "GET /first HTTP/1.1\r\nHost: {host}\r\n\r\n" + _HIDDEN,
    "a pipelined request after a body": _POST + "Content-Length: 2\r\n\r\nxx" + _HIDDEN,
    "HTTP/0.9": "GET /smuggled\r\n\r\n",
    "no host": "GET /smuggled HTTP/1.1\r\n\r\n",
    "another host": _HIDDEN,
    "two hosts": _GET + "Host: {other}\r\n\r\n",
    "another host in the target": "GET http://{other}/smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "another host in both": "GET http://{other}/smuggled HTTP/1.1\r\nHost: {other}\r\n\r\n",
    "another port": "GET /smuggled HTTP/1.1\r\nHost: {name}:1\r\n\r\n",
    "no port": "GET /smuggled HTTP/1.1\r\nHost: {name}\r\n\r\n",
    "an address as host": "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "huge headers": _GET + ("X: " + "x" * 1000 + "\r\n") * 90 + "\r\n",
    "many headers": _GET + "X: x\r\n" * 90 + "Y: " + "y" * 60000 + "\r\n\r\n",
    "an upgrade": _GET + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an upgrade to HTTP/2": _GET + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
    "bare line feeds": "GET /smuggled HTTP/1.1\nHost: {host}\n\n",
    "a null byte": _GET + "X: a\x00b\r\n\r\n",
    "a Connection that takes the host away": _GET + "Connection: Host\r\n\r\n",
}
