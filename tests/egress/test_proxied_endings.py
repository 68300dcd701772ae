"""
A proxy is one cell's, ends with it, and is worth nothing to anybody else on the host.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_worker.battery.hellos import hello, named
from waiting import wait_until

from egress.asking import granted_still_works, reasons, run_to_the_death_of_the_egress
from egress.bed import GRANTED
from egress.proxied import ASK, living, run_code

if TYPE_CHECKING:
    from toolcell_client import Result

    from egress.bed import Bed
    from egress.canaries import Canary

TOKEN = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
# A tunnel to a canary, which says nothing; the tool waits for it.
HOLD = """{ask}
one = socket.create_connection((proxy.hostname, proxy.port))
basic = base64.b64encode(f"cell:{{proxy.password}}".encode()).decode()
one.sendall(b"CONNECT {host}:{port} HTTP/1.0\\r\\nProxy-Authorization: Basic "
            + basic.encode() + b"\\r\\n\\r\\n")
one.recv(4096)
one.sendall({hello!r})
result = one.recv(1)
result = str(result)
"""


def hold(canary: Canary) -> dict[str, Any]:
    spoken = hello(named(GRANTED.encode()))
    code = HOLD.format(ask=ASK, host=GRANTED, port=canary.tcp, hello=spoken)
    return {"code": code, "domains": [f"https://{GRANTED}:{canary.tcp}/"]}


def test_a_stranger_on_the_host_is_not_served(proxied: Bed) -> None:
    """
    Anybody reaches the port; the control shows that the token, and nothing else, is in the way.
    What he tries is told, and spends nothing of the cell's.
    """
    line = f"CONNECT {GRANTED}:{proxied.secure.port}"
    ended: list[Result] = []
    with living(proxied, ended) as proxy:
        other = "0" * 32
        heard = [proxy.ask(line, token) for token in (None, "", other, proxy.token[:-1])]
        control = proxy.ask(line, proxy.token)
    [result] = ended

    assert (["407"] * 4, "200") == (heard, control)
    assert [("connect", "", "unauthorised")] == [
        each for each in reasons(result) if each[2] == "unauthorised"
    ]
    granted_still_works(proxied)


def test_strangers_do_not_spend_the_budget_of_a_cell(proxied: Bed) -> None:
    """
    Or any user of the host could end it.
    """
    ended: list[Result] = []
    with living(proxied, ended) as proxy:
        heard = {proxy.ask("GET /", None) for _ in range(300)}
        assert "200" == proxy.ask(f"CONNECT {GRANTED}:{proxied.secure.port}", proxy.token)
    [result] = ended

    assert ({"407"}, "cancelled") == (heard, result.kind)


def test_the_proxy_of_a_cell_is_gone_with_it(proxied: Bed) -> None:
    ended: list[Result] = []
    with living(proxied, ended) as proxy:
        assert "407" == proxy.ask("GET /", None)

    with pytest.raises(ConnectionRefusedError):
        proxy.ask("GET /", proxy.token)


def test_no_cell_reaches_the_proxy_of_another(proxied: Bed) -> None:
    """
    N12: with its token, too.  The control asks the same from outside.
    """
    line = f"CONNECT {GRANTED}:{proxied.secure.port}"
    ended: list[Result] = []
    with living(proxied, ended) as proxy:
        attack = f"""{ASK}
from urllib.parse import urlsplit
own = ask({line!r})
proxy = urlsplit("http://cell:{proxy.token}@127.0.0.1:{proxy.port}")
try:
    result = [own, ask({line!r})]
except PermissionError:
    result = [own, "refused"]
"""
        attacked = run_code(proxied, attack)
        assert "200" == proxy.ask(line, proxy.token)

    assert ["200", "refused"] == attacked.raise_for_outcome().value


def test_the_token_is_in_no_event_and_in_no_log(proxied: Bed) -> None:
    """
    The tool tells its hash; whatever has its form and its hash would be found.
    """
    code = f"""{ASK}
import hashlib
result = hashlib.sha256(proxy.password.encode()).hexdigest()
ask("CONNECT {GRANTED}:1"), ask("GET /")
ask("CONNECT {GRANTED}:1", "0" * 32)
urllib.request.urlopen({proxied.plain_url("/logged")!r}).read()
"""
    domains = [proxied.url(), proxied.plain_url()]
    events = list(proxied.client.execute("run_code", {"code": code, "domains": domains}))
    [finished] = [each.finished for each in events if each.HasField("finished")]
    digest = finished.result_json.decode().strip('"')
    said = b"".join(each.SerializeToString() for each in events) + proxied.server.log.read_bytes()

    assert 64 == len(digest)
    found = {hashlib.sha256(each).hexdigest() for each in TOKEN.findall(said)}
    assert digest not in found


def test_a_tunnel_ends_with_the_time_of_its_execution(proxied: Bed, canary: Canary) -> None:
    """
    N11: the oracle is the other side, which sees the end.
    """
    result = proxied.client.run("run_code", hold(canary), limits={"wall_seconds": 2})

    assert ("exceeded(wall)", 1) == (result.label, len(canary.said))
    wait_until(lambda: canary.ended == ["tcp"], 5)
    granted_still_works(proxied)


def test_when_the_egress_dies_nothing_gets_out_and_the_next_call_has_another(
    proxied: Bed, canary: Canary
) -> None:
    """
    N10.
    """
    granted_still_works(proxied)
    [egress] = proxied.egress()
    arguments = hold(canary)
    arguments["code"] += f"""
try:
    result += ask("CONNECT {GRANTED}:{canary.tcp}")
except ConnectionRefusedError:
    result += " refused"
"""
    result = run_to_the_death_of_the_egress(proxied, canary, arguments)
    granted_still_works(proxied)

    assert ("connect", "", "egress_died") in reasons(result)
    assert 1 == len(canary.touched)
    assert "200" not in str(result.value)
    assert [egress] != proxied.egress()


def test_connections_and_bytes_are_counted_as_elsewhere(proxied: Bed) -> None:
    """
    N11: attempts that are denied, requests on one connection, bytes each way.
    """
    denied = f"{ASK}\nfor _ in range(40): ask('CONNECT {GRANTED}:1')\nimport time; time.sleep(9)"
    many = f"urllib.request.urlopen({proxied.plain_url('/bytes/400000')!r}).read()"
    few = {"connections": 40, "wall_seconds": 8}

    assert "exceeded(wall)" == run_code(proxied, denied, limits=few).label
    fewer = {**few, "connections": 39}
    assert "exceeded(network)" == run_code(proxied, denied, limits=fewer).label
    assert run_code(proxied, many).ok
    less = {"network_bytes": 100_000}
    assert "exceeded(network)" == run_code(proxied, many, limits=less).label


def test_a_tunnel_that_is_open_at_the_end_is_no_denial(proxied: Bed) -> None:
    """
    Whoever leaves his connections to the kernel was not refused anything.
    """
    code = f"""
import requests
session = requests.Session()
result = session.get({proxied.url("/open")!r}, timeout=10).text
"""
    found = [run_code(proxied, code, proxied.url()) for _ in range(10)]

    assert ["GET /open"] * 10 == [each.raise_for_outcome().value for each in found]
    assert [] == [each for result in found for each in reasons(result)]
