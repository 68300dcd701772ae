"""
What a proxy refuses: nobody outside hears of it, and the tool hears why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.asking import reasons
from egress.bed import GRANTED, OTHER
from egress.proxied import ASK, run_code

if TYPE_CHECKING:
    from egress.bed import Bed

REFUSED = {
    # what a cell asks its proxy for, what it hears, what is told
    "another name": ("CONNECT other.example.test:{secure}", "403", "host_not_granted"),
    "another port": ("CONNECT api.example.test:1", "403", "port_not_granted"),
    "a denied name": ("CONNECT denied.example.test:{secure}", "403", "host_denied"),
    "an address": ("CONNECT 127.0.0.1:{secure}", "403", "not_a_name"),
    "a number": ("CONNECT 2130706433:{secure}", "403", "not_a_name"),
    "an octal address": ("CONNECT 0177.0.0.1:{secure}", "403", "not_a_name"),
    "a hexadecimal address": ("CONNECT 0x7f.1:{secure}", "403", "not_a_name"),
    "an address of IPv6": ("CONNECT [::1]:{secure}", "403", "not_a_name"),
    "a mapped address": ("CONNECT [::ffff:127.0.0.1]:{secure}", "403", "not_a_name"),
    "a user before the host": ("CONNECT api.example.test@127.0.0.1:1", "403", "not_a_name"),
    "an encoded name": ("CONNECT api%2eexample.test:{secure}", "403", "not_a_name"),
    "a suffix": ("CONNECT evil-api.example.test:{secure}", "403", "host_not_granted"),
    "a URL of another name": ("GET http://other.example.test:{plain}/", "403", "host_not_granted"),
    "a URL of an address": ("GET http://127.0.0.1:{plain}/", "403", "not_a_name"),
    "a URL with a user": ("GET http://x@plain.example.test:{plain}/", "403", "not_a_name"),
    "plain HTTP where TLS was granted": (
        "GET http://api.example.test:{secure}/",
        "403",
        "not_tls",
    ),
    "a path": ("GET /", "400", "malformed"),
    "a URL of https": ("GET https://api.example.test:{secure}/", "400", "malformed"),
    "no port": ("CONNECT api.example.test", "400", "malformed"),
    "port 0": ("CONNECT api.example.test:0", "400", "malformed"),
    "a port beyond": ("CONNECT api.example.test:99999", "400", "malformed"),
}


@pytest.mark.parametrize(("line", "status", "reason"), REFUSED.values(), ids=REFUSED)
def test_the_proxy_leads_nowhere_else(proxied: Bed, line: str, status: str, reason: str) -> None:
    """
    N3, N5, N9: and nobody outside hears of it.  The control asks for what was granted.
    """
    line = line.format(secure=proxied.secure.port, plain=proxied.plain.port)
    before = (proxied.secure.connections, proxied.plain.connections)
    granted = f"CONNECT {GRANTED}:{proxied.secure.port}"
    asked = len(proxied.names.asked)
    result = run_code(proxied, f"{ASK}result = [ask({granted!r}), ask({line!r})]")

    assert ["200", status] == result.raise_for_outcome().value
    assert reason in [each for _, _, each in reasons(result)]
    assert before == (proxied.secure.connections, proxied.plain.connections)
    assert asked == len(proxied.names.asked)


@pytest.mark.parametrize("token", ["''", "'0' * 32", "proxy.password[:-1]", "proxy.password * 2"])
def test_the_proxy_serves_nobody_without_the_token(proxied: Bed, token: str) -> None:
    line = f"CONNECT {GRANTED}:{proxied.secure.port}"
    result = run_code(proxied, f"{ASK}result = [ask({line!r}), ask({line!r}, {token})]")

    assert ["200", "407"] == result.raise_for_outcome().value
    assert ("connect", "", "unauthorised") in reasons(result)


def test_a_name_inside_a_tunnel_must_be_the_one_that_was_asked_for(proxied: Bed) -> None:
    """
    N7: as in a network of the cell's own, the ClientHello is read before anybody is dialled.
    """
    before = proxied.secure.connections
    code = f"""{ASK}
def shake(name):
    one = socket.create_connection((proxy.hostname, proxy.port), 5)
    basic = base64.b64encode(f"cell:{{proxy.password}}".encode()).decode()
    line = "CONNECT {GRANTED}:{proxied.secure.port} HTTP/1.0"
    one.sendall(f"{{line}}\\r\\nProxy-Authorization: Basic {{basic}}\\r\\n\\r\\n".encode())
    one.recv(4096)
    try:
        with ssl.create_default_context().wrap_socket(one, server_hostname=name) as secure:
            return secure.version()
    except OSError as exc:
        return type(exc).__name__
result = [shake({GRANTED!r}), shake({OTHER!r})]
"""
    result = run_code(proxied, code)

    assert ["TLSv1.3", "ConnectionResetError"] == result.raise_for_outcome().value
    assert before + 1 == proxied.secure.connections
    assert ("connect", f"{GRANTED}:{proxied.secure.port}", "sni_mismatch") in reasons(result)


DIALLED = {
    # the addresses of a name, what its tunnel's client hears, what is told
    "an address that policy does not name": (("10.1.2.3",), "403", ["address_private"]),
    "public and private ones": (("8.8.8.8", "10.1.2.3"), "403", ["mixed_addresses"]),
    "none": ((), "403", ["no_address"]),
}


@pytest.mark.parametrize(("addresses", "status", "told"), DIALLED.values(), ids=DIALLED)
def test_a_raw_tunnel_opens_only_once_there_is_somebody(
    proxied: Bed, addresses: tuple[str, ...], status: str, told: list[str]
) -> None:
    """
    N4: resolved and decided about outside; a client that hears no at once need not guess.
    """
    proxied.names.zone.pop("led.example.test", None)
    if addresses:
        proxied.names.zone["led.example.test"] = addresses
    line = f"CONNECT led.example.test:{proxied.secure.port}"
    result = proxied.client.run("run_raw", {"code": f"{ASK}result = ask({line!r})"})

    assert status == result.raise_for_outcome().value
    assert told == [reason for _, _, reason in reasons(result)]
