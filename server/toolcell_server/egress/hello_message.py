"""
The ClientHello of TLS, as one whole handshake message: where its sender wants to go.  Pure.

Theory of operation.  A hello is vectors in vectors (RFC 8446 §4.1.2).  Each is a reader of its own
(`Octets`) and is read to its end, so a length that lies is found wherever it stands.  Not all of it
matters here; what is read past is still held against its bounds, because a server that reads the
same bytes in another way would go by another name.  Hence, too, an extension twice (§4.2), a second
name or a name of another kind (RFC 6066 §3), and anything after the extensions are refused.

The name is a host's: letters, digits, hyphens and underscores between single dots, no dot at the
end, and no address in any notation that inet_aton(3) knows, all of which end in a number.

`encrypted` tells that another hello, which we cannot read, may lie in this one: Encrypted Client
Hello in its outer form (RFC 9849 §5) or its forerunner ESNI.  Clients such as Chrome send noise in
the same form where they know no key (GREASE, RFC 9849 §6.2), and nobody on the way can tell
it from the real thing; that is its purpose.  So both count as encrypted.  What is read and checked
is always the outer name, and it is the caller who decides whether an encrypted hello may pass.

Checked: the hellos of OpenSSL are read as it was told to write them, and arbitrary bytes raise
nothing but `Malformed` (tests, by properties and by fuzzing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from toolcell_server.egress.octets import Misshapen, Octets

SERVER_NAME: Final = 0
ALPN: Final = 16
SUPPORTED_VERSIONS: Final = 43
ENCRYPTED_CLIENT_HELLO: Final = 0xFE0D
ENCRYPTED_SERVER_NAME: Final = 0xFFCE  # drafts of ESNI, before it became ECH
VERSIONS: Final = range(0x0301, 0x0304)  # what stands for TLS 1.0 to 1.2, and in 1.3 for nothing

_HOST_NAME: Final = 0
_OUTER: Final = 0
_INNER: Final = 1
_ANY: Final = 2**16 - 1
_MAXIMUM_NAME_LENGTH: Final = 253  # 255 in the form of DNS
_NAME: Final = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Malformed(ValueError):  # noqa: N818  # names what happened
    """
    Raised when what began as TLS is no well-formed ClientHello; names the fault, never the bytes.
    """


@dataclass(frozen=True, slots=True)
class ClientHello:
    """
    What a ClientHello says about where it is going.

    `server_name` is in lower case; None if it names none.  `alpn` is empty if it offers none.
    `versions` are those that it offers, in its order and with what it sends as noise (GREASE, RFC
    8701); without that extension, its only legacy_version.
    """

    server_name: str | None
    encrypted: bool
    alpn: tuple[bytes, ...]
    versions: tuple[int, ...]


def parse(body: bytes) -> ClientHello:
    """
    The hello that a handshake message holds, without the message's type and length.

    Raises:
        Malformed: it holds none.
    """
    try:
        return _hello(Octets(body))
    except Misshapen as fault:
        raise Malformed(str(fault)) from None


def _hello(octets: Octets) -> ClientHello:
    version = octets.number(2)
    if version not in VERSIONS:
        raise Misshapen(f"version 0x{version:04x}")
    octets.take(32)  # random
    octets.vector(1, 0, 32)  # session id
    if octets.vector(2, 2, _ANY - 1).left % 2:
        raise Misshapen("half a cipher suite")
    octets.vector(1, 1, 255)  # compression methods
    found = _extensions(octets)
    return ClientHello(
        server_name=_server_name(found.get(SERVER_NAME)),
        encrypted=_encrypted(found.get(ENCRYPTED_CLIENT_HELLO)) or ENCRYPTED_SERVER_NAME in found,
        alpn=_alpn(found.get(ALPN)),
        versions=_versions(found.get(SUPPORTED_VERSIONS)) or (version,),
    )


def _extensions(octets: Octets) -> dict[int, Octets]:
    """
    By their types; before TLS 1.3 there may be none, and then no length of them either.
    """
    found: dict[int, Octets] = {}
    if not octets.left:
        return found
    extensions = octets.vector(2, 0, _ANY)
    octets.end()
    while extensions.left:
        kind = extensions.number(2)
        if kind in found:
            raise Misshapen(f"extension {kind} twice")
        found[kind] = extensions.vector(2, 0, _ANY)
    return found


def _server_name(extension: Octets | None) -> str | None:
    """
    RFC 6066 §3.
    """
    if extension is None:
        return None
    names = extension.vector(2, 1, _ANY)
    extension.end()
    if names.number(1) != _HOST_NAME:
        raise Misshapen("a server name that is no host name")
    name = names.vector(2, 1, _MAXIMUM_NAME_LENGTH)
    names.end()
    return _host(name.take(name.left))


def _host(name: bytes) -> str:
    if not _NAME.fullmatch(name):
        raise Misshapen("a server name that is no name of a host")
    text = name.decode("ascii").lower()
    if _NUMBER.fullmatch(text.rpartition(".")[2]):
        raise Misshapen("a server name that is an address")
    return text


def _encrypted(extension: Octets | None) -> bool:
    """
    RFC 9849 §5.  The inner form travels on its own only behind a server that took off the outer;
    it hides nothing.
    """
    if extension is None:
        return False
    form = extension.number(1)
    if form == _OUTER:
        extension.take(5)  # the cipher suite and the configuration's id
        extension.vector(2, 0, _ANY)  # the encapsulated key, absent in a second hello
        extension.vector(2, 1, _ANY)  # the hello that we cannot read
    elif form != _INNER:
        raise Misshapen(f"an encrypted hello of form {form}")
    extension.end()
    return form == _OUTER


def _alpn(extension: Octets | None) -> tuple[bytes, ...]:
    """
    RFC 7301 §3.1.
    """
    if extension is None:
        return ()
    names = extension.vector(2, 2, _ANY)
    extension.end()
    protocols: list[bytes] = []
    while names.left:
        protocol = names.vector(1, 1, 255)
        protocols.append(protocol.take(protocol.left))
    return tuple(protocols)


def _versions(extension: Octets | None) -> tuple[int, ...]:
    """
    RFC 8446 §4.2.1.
    """
    if extension is None:
        return ()
    versions = extension.vector(1, 2, 254)
    extension.end()
    offered: list[int] = []
    while versions.left:
        offered.append(versions.number(2))  # half a version is a byte too few
    return tuple(offered)
