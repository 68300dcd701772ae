"""
On a host without namespaces a cell reaches what it was granted through its proxy, and nothing else.

The host is made poorer for real (`hosts.poorer`).  Oracles are outside of the cells: sites and
canaries that count who touches them, and the record of the name server.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.errors import CallRefused
from waiting import wait_until

from egress.asking import granted_still_works, reasons
from egress.bed import GRANTED, OTHER, PLAIN
from egress.proxied import ASK, KEY, run_code

if TYPE_CHECKING:
    from egress.bed import Bed
    from egress.canaries import Canary

CLIENTS = {
    "urllib": "result = urllib.request.urlopen({url!r}, timeout=10).read().decode()",
    "requests": "import requests\nresult = requests.get({url!r}, timeout=10).text",
    "httpx": "import httpx\nresult = httpx.get({url!r}, timeout=10).text",
    "aiohttp": """
import aiohttp, asyncio
async def get():
    async with aiohttp.ClientSession(trust_env=True) as session, session.get({url!r}) as answer:
        return await answer.text()
result = asyncio.run(get())
""",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "in plain HTTP"])
def test_a_client_that_heeds_the_variables_reaches_what_was_granted(
    proxied: Bed, client: str, secure: bool
) -> None:
    """
    By the name, with the certificate of the host: nothing is decrypted on the way.
    """
    proxied.plain.seen.clear()
    proxied.secure.seen.clear()
    host, url = (GRANTED, proxied.url("/page")) if secure else (PLAIN, proxied.plain_url("/page"))
    result = run_code(proxied, CLIENTS[client].format(url=url), url)

    assert "GET /page" == result.raise_for_outcome().value
    assert [(host, 1)] == [(each.host, each.connections) for each in result.contacts]
    assert result.contacts[0].received_bytes == result.usage.network_received_bytes > 0
    [(_, _, headers)] = (proxied.secure if secure else proxied.plain).seen
    assert [] == [name for name in headers if name.lower().startswith("proxy-")]


@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "in plain HTTP"])
def test_the_built_in_tool_goes_through_the_proxy(proxied: Bed, secure: bool) -> None:
    url = proxied.url("/json") if secure else proxied.plain_url("/json")
    if secure:  # it trusts the host's authorities alone: that it says so shows that it was there
        result = proxied.client.run("http_request", {"url": url})
        assert "failed" == result.label
        assert [GRANTED] == [each.host for each in result.contacts]
        return
    value = proxied.client.run("http_request", {"url": url}).raise_for_outcome().value

    assert {"answer": [42, None]} == value["body"]


def test_several_requests_go_over_one_connection(proxied: Bed) -> None:
    """
    To the one host that there is; each is decided about.
    """
    url = proxied.plain_url("/again")
    before = proxied.plain.connections
    code = f"""
import requests
with requests.Session() as session:
    result = [session.get({url!r}, timeout=5).text for _ in range(3)]
"""
    result = run_code(proxied, code, url)

    assert ["GET /again"] * 3 == result.raise_for_outcome().value
    assert before + 1 == proxied.plain.connections


def test_a_session_speaks_to_two_hosts(proxied: Bed) -> None:
    """
    Clients take one connection to a proxy for whatever they ask it for.
    """
    proxied.names.zone["second.example.test"] = ("127.0.0.1",)
    urls = [proxied.plain_url("/one"), proxied.plain_url("/two", "second.example.test")]
    code = f"""
import requests
with requests.Session() as session:
    result = [session.get(url, timeout=5).text for url in {urls} * 2]
"""
    result = run_code(proxied, code, *urls)

    assert ["GET /one", "GET /two"] * 2 == result.raise_for_outcome().value
    assert [2, 2] == [each.connections for each in result.contacts]


def test_a_credential_is_added_behind_the_proxy_and_the_token_is_not(proxied: Bed) -> None:
    """
    The tool has the token, and never the key; the host has the key, and never the token.
    """
    proxied.secure.seen.clear()
    code = "result = urllib.request.urlopen('http://api.example.test/keyed').read().decode()"
    result = proxied.client.run("run_keyed", {"code": code})

    assert "GET /keyed" == result.raise_for_outcome().value
    [(_, _, headers)] = proxied.secure.seen
    assert KEY == headers["X-Key"]
    assert [] == [name for name in headers if name.lower().startswith("proxy-")]


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


def test_a_raw_connection_goes_through_a_tunnel_as_it_is(proxied: Bed) -> None:
    """
    Nothing is looked at, so that the tool may speak what it likes; here it is TLS.
    """
    code = f"result = urllib.request.urlopen({proxied.url('/raw')!r}, timeout=10).read().decode()"
    result = proxied.client.run("run_raw", {"code": code})

    assert "GET /raw" == result.raise_for_outcome().value
    assert [GRANTED] == [each.host for each in result.contacts]


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


DIRECT = """
import json, os, socket
os.environ.clear()
result = {{}}
def attempt(name, action):
    try:
        action()
        result[name] = "done"
    except OSError as exc:
        result[name] = exc.strerror or str(exc)
def connect(family, host, protocol=0):
    with socket.socket(family, socket.SOCK_STREAM, protocol) as one:
        one.settimeout(2)
        one.connect((host, {tcp}))
        one.send(b"x")
def fast_open(option):
    with socket.socket() as one:
        if option:
            one.setsockopt(socket.IPPROTO_TCP, 30, 1)
            one.connect(("127.0.0.1", {tcp}))
            one.send(b"x")
        else:
            one.sendto(b"x", 0x20000000, ("127.0.0.1", {tcp}))
def send(family, host):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (host, {udp}))
attempt("tcp", lambda: connect(socket.AF_INET, "127.0.0.1"))
attempt("tcp by another address", lambda: connect(socket.AF_INET, "127.0.0.2"))
attempt("tcp to anybody", lambda: connect(socket.AF_INET, "0.0.0.0"))
attempt("tcp 6", lambda: connect(socket.AF_INET6, "::1"))
attempt("tcp mapped", lambda: connect(socket.AF_INET6, "::ffff:127.0.0.1"))
attempt("mptcp", lambda: connect(socket.AF_INET, "127.0.0.1", 262))
attempt("fast open", lambda: fast_open(False))
attempt("fast open by an option", lambda: fast_open(True))
attempt("udp", lambda: send(socket.AF_INET, "127.0.0.1"))
attempt("udp 6", lambda: send(socket.AF_INET6, "::1"))
def listen(bound):
    with socket.socket() as one:
        if bound:
            one.bind(("127.0.0.1", 0))
        else:
            one.listen()
attempt("listen", lambda: listen(False))
attempt("bind", lambda: listen(True))
for name, of in {{"sctp": (2, 1, 132), "smc": (43, 1, 0), "raw": (2, 3, 1), "unix": (1, 1, 0),
                "netlink": (16, 3, 0), "packet": (17, 3, 0), "vsock": (40, 1, 0)}}.items():
    attempt(name, lambda: socket.socket(*of).close())
"""
# What must work outside, so that its failure in a cell says something; others may lack here.
WORKS = {"tcp", "tcp by another address", "tcp to anybody", "tcp 6", "tcp mapped"} | {
    *("fast open", "fast open by an option", "udp", "udp 6", "listen", "bind"),
    *("unix", "netlink"),
}


@pytest.mark.parametrize("granted", [True, False], ids=["with domains", "without domains"])
def test_no_cell_reaches_the_network_itself(proxied: Bed, canary: Canary, granted: bool) -> None:
    """
    N1, N2, N13: whatever it makes of its environment.  Fast open and MPTCP pass Landlock by, so
    the filter must not; who was touched decides.
    """
    code = DIRECT.format(tcp=canary.tcp, udp=canary.udp)
    program = [sys.executable, "-c", f"{code}\nprint(json.dumps(result))"]
    outside = json.loads(subprocess.check_output(program, text=True, timeout=60))
    assert WORKS <= {name for name, said in outside.items() if said == "done"}
    wait_until(lambda: len(canary.touched) >= 9)
    canary.touched.clear()
    arguments = {"code": code, **({"domains": [proxied.plain_url()]} if granted else {})}
    result = proxied.client.run("run_code" if granted else "run_alone", arguments)

    value = result.raise_for_outcome().value
    assert [] == [name for name, said in value.items() if said == "done"]
    assert ([], value.keys()) == (canary.touched, outside.keys())
    granted_still_works(proxied)


@pytest.mark.parametrize("kind", ["SOCK_STREAM", "SOCK_DGRAM"])
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_tool_without_domains_has_neither_sockets_nor_a_proxy(
    proxied: Bed, family: str, kind: str
) -> None:
    """
    N10.
    """
    code = "import os\nresult = [name for name in os.environ if 'PROXY' in name.upper()]\ntry:\n"
    code += f"    socket.socket(socket.{family}, socket.{kind})\nexcept PermissionError: pass\n"
    code += "else: result.append('a socket')"
    result = proxied.client.run("run_alone", {"code": code})

    assert [] == result.raise_for_outcome().value


def test_the_report_says_what_holds_a_cell_to_its_proxy(proxied: Bed) -> None:
    """
    A port, not a host: in `started` and in `finished`, and whoever wants more is refused.
    """
    arguments = {"url": proxied.plain_url("/report")}
    events = list(proxied.client.execute("fetch", arguments))
    told = [getattr(e, k).isolation for e in events if (k := e.WhichOneof("event")) in SAYING]
    with pytest.raises(CallRefused) as refused:
        proxied.client.run("fetch", arguments, minimum_isolation="strong")

    assert 2 == len(told)
    for report in told:
        [wall] = [each for each in report.walls if each.wall == pb.WALL_NETWORK]
        assert (pb.ISOLATION_LEVEL_BASIC, pb.WALL_STATUS_DEGRADED) == (report.level, wall.status)
        assert "held to its proxy by port, not by host" in wall.reason
        assert "user namespaces" in wall.remedy
    assert "ISOLATION_BELOW_FLOOR" == refused.value.reason
    assert "network" == refused.value.metadata["missing_wall"]


SAYING = ("started", "finished")
