"""
Where the bridge may listen, and under what conditions.  Pure.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Unsafe(ValueError):  # noqa: N818  # names what is wrong
    """
    Raised when the bridge would be open to whoever reaches it; the text says what to do.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """
    How HTTP is served.  `share_identity`: every client is the bridge's own principal.
    `behind_proxy`: a proxy in front ends TLS.  `hosts`: further names that clients may call the
    bridge by; `origins`: those of web pages that may call it.  `search`: as in searching.py.
    """

    host: str
    port: int
    certificate: str = ""
    key: str = ""
    share_identity: bool = False
    behind_proxy: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    search: bool = False

    @property
    def is_local(self) -> bool:
        """
        Whether only this host reaches it.
        """
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def demands_tokens(self) -> bool:
        """
        Whether a request without a token is turned away.  On loopback it goes on without one, and
        the toolcell server says what it may do, unless a proxy brings in who is somewhere else.
        """
        return self.behind_proxy or not self.is_local

    @property
    def allowed_hosts(self) -> list[str]:
        """
        What the header Host may say, as the SDK's settings have it.
        """
        own = f"[{self.host}]" if ":" in self.host else self.host
        names = [*(LOOPBACK_NAMES if self.is_local else ()), own, *self.hosts]
        return [form for name in names for form in (name, f"{name}:*")]

    @property
    def allowed_origins(self) -> list[str]:
        """
        What the header Origin may say.
        """
        local = LOOPBACK_NAMES if self.is_local else ()
        own = [f"http://{name}{port}" for name in local for port in ("", ":*")]
        return [*own, *self.origins]


def address(text: str) -> tuple[str, int]:
    """
    Host and port of `HOST:PORT`.

    Raises:
        ValueError: it is something else.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT, as 127.0.0.1:8000")
    return host, int(port)


def check(listening: Listening, *, has_identity: bool) -> None:
    """
    Parameters:
        has_identity: the bridge has a token or a certificate of its own.
    Raises:
        Unsafe: as it says.
    """
    if has_identity and not listening.share_identity:
        raise Unsafe(
            "over HTTP each client brings its own token, and the bridge must have none: leave out"
            " --token-file, --certificate and $TOOLCELL_TOKEN, or say with --share-identity that"
            " every client shall be the principal that they name"
        )
    if listening.share_identity and listening.behind_proxy:
        raise Unsafe(
            "whoever reaches the proxy would have the bridge's own rights; leave out"
            " --share-identity, so that clients bring their own tokens"
        )
    if listening.is_local:
        return
    if listening.share_identity:
        raise Unsafe(
            f"whoever reaches {listening.host} would have the bridge's own rights; listen on"
            " 127.0.0.1, or leave out --share-identity, so that clients bring their own tokens"
        )
    if not listening.certificate and not listening.behind_proxy:
        raise Unsafe(
            f"on {listening.host} tokens would pass in plain text; give --http-certificate and"
            " --http-key, or say with --behind-proxy that a proxy in front ends TLS"
        )
    if not listening.hosts and listening.host in ("0.0.0.0", "::"):  # noqa: S104  # to refuse it
        raise Unsafe(
            "say by which name clients call the bridge: --http-host NAME; else any web page could"
            " reach it under a name of its own (DNS rebinding)"
        )
