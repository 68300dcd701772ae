"""
A real issuer of signed tokens for a test: keys, tokens, and a key set served over HTTP.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certifying import Papers

ISSUER = "https://issuer.example"
AUDIENCE = "toolcell"
_MAKERS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_WRITERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


class Key:
    """
    A key pair with a name.
    """

    def __init__(self, kid: str, algorithm: str = "ES256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private = _MAKERS[algorithm]()

    @property
    def public(self) -> dict[str, Any]:
        entry = _WRITERS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**entry, "kid": self.kid, "use": "sig"}

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """
        A token that is good; a change of a claim to None removes it.
        """
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + 600,
            "sub": "alice",
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": self.kid, **(header or {})}
        return jwt.encode(kept, self.private, self.algorithm, headers=headers)


def key_set(*keys: Key) -> bytes:
    """
    The key set of these, as JSON.
    """
    return json.dumps({"keys": [key.public for key in keys]}).encode()


class Endpoint:
    """
    What a key server answers; each answer is counted.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = 0
        self.url = ""


@contextlib.contextmanager
def key_server(body: bytes, papers: Papers | None = None) -> Iterator[Endpoint]:
    """
    An HTTP server on loopback; with a certificate, over TLS.
    """
    endpoint = Endpoint(body)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            endpoint.asked += 1
            self.send_response(endpoint.status)
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(endpoint.body)

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/keys"
        if papers:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(papers.certificate, papers.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            endpoint.url = endpoint.url.replace("http:", "https:")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
