"""
Attack N14: questions to the name server as a way out, and against whoever answers them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest
from toolcell_worker.battery.questions import MALFORMED

from egress.asking import granted_still_works

if TYPE_CHECKING:
    from egress.bed import Bed


@pytest.mark.parametrize("over_tcp", [False, True], ids=["over UDP", "over TCP"])
@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT", "ANY", "MX", "NULL"])
def test_names_that_are_not_granted_carry_nothing_out(bed: Bed, kind: str, over_tcp: bool) -> None:
    """
    N14: a query is a message, whatever it asks for: 200 labels would be 12 kB of somebody's secret.
    """
    queries = [
        dns.message.make_query(f"{number:060x}.unlisted.test", kind).to_wire()
        for number in range(20 if over_tcp else 200)
    ]
    host, _, port = bed.resolver.partition(":")
    control = dns.message.make_query("control.unlisted.test", kind)
    dns.query.udp(control, host, port=int(port), timeout=5)
    assert "control.unlisted.test" in bed.names.asked
    bed.names.asked.clear()
    kind_of_socket = "SOCK_STREAM" if over_tcp else "SOCK_DGRAM"
    code = f"""
asking = socket.socket(socket.AF_INET, socket.{kind_of_socket})
asking.settimeout(5)
asking.connect(("127.0.0.1", 53))
result = []
for query in {queries!r}:
    asking.send((len(query).to_bytes(2, "big") if {over_tcp} else b"") + query)
    result.append(asking.recv(600)[{5 if over_tcp else 3}] & 15)
"""
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert {3} == set(result.raise_for_outcome().value)
    assert [] == bed.names.asked
    granted_still_works(bed)


def test_malformed_questions_do_no_harm_to_whoever_answers(bed: Bed) -> None:
    """
    N14: the answerer is one for all cells: whoever ends it takes the network from everybody.
    """
    granted_still_works(bed)
    egress = bed.egress()
    code = f"""
for message in {list(MALFORMED.values())!r}:
    message = bytes.fromhex(message)
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.sendto(message, ("127.0.0.1", 53))
    for length in (len(message), 0, 1, 65535):
        one = socket.create_connection(("127.0.0.1", 53), 5)
        try:
            one.sendall(length.to_bytes(2, "big") + message)
            one.shutdown(socket.SHUT_WR)
            while one.recv(600): pass
        except OSError: pass
result = urllib.request.urlopen({bed.plain_url("/after")!r}).read().decode()
"""
    result = bed.client.run("run_code", {"code": code, "domains": [bed.plain_url()]})

    assert "GET /after" == result.raise_for_outcome().value
    assert egress == bed.egress()
    granted_still_works(bed)
