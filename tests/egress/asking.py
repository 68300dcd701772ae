"""
What tests of attacks ask again and again.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from waiting import wait_until

from egress.bed import OTHER

if TYPE_CHECKING:
    from toolcell_client import Result
    from toolcell_server.battery.sites import Site

    from egress.bed import Bed
    from egress.canaries import Canary

ASK = """
import http.client
result = []
for host, at, method, named in {asked!r}:
    one = http.client.HTTPConnection(host, at, timeout=10)
    one.putrequest(method, "/asked", skip_host=True)
    one.putheader("Host", named)
    one.endheaders()
    result.append(one.getresponse().status)
"""


def granted_still_works(bed: Bed) -> None:
    """
    A benign call after an attack.
    """
    result = bed.client.run("fetch", {"url": bed.plain_url("/benign")})

    assert "GET /benign" == result.raise_for_outcome().value


def reasons(result: Result) -> list[tuple[str, str, str]]:
    """
    Each denial of the egress as operation, target and reason.  (glibc looks for nscd: a socket.)
    """
    return [
        (each.operation, each.target, each.reason)
        for each in result.denials
        if each.operation != "socket"
    ]


def told(result: Result) -> set[tuple[str, str, str, bool]]:
    """
    Each denial of the egress, and whether it was only reported.
    """
    return {
        (each.operation, each.target, each.reason, each.reported_only)
        for each in result.denials
        if each.operation != "socket"
    }


def run_to_the_death_of_the_egress(bed: Bed, canary: Canary, arguments: dict[str, Any]) -> Result:
    """
    The end of a call of `run_code` that holds a connection to the canary while the egress is
    killed; meanwhile another one still works.
    """
    [egress] = bed.egress()
    ended: list[Result] = []
    running = threading.Thread(target=lambda: ended.append(bed.client.run("run_code", arguments)))
    running.start()
    wait_until(lambda: len(canary.said) == 1)
    os.kill(egress, signal.SIGKILL)
    wait_until(lambda: canary.ended == ["tcp"], 5)
    granted_still_works(bed)
    running.join()
    [result] = ended
    return result


def hosts(site: Site) -> list[str]:
    """
    The Host of each request that reached a site.
    """
    return [headers["Host"] for _, _, headers in site.seen]


def goes_on_reporting(bed: Bed) -> None:
    """
    The control, where policy only reports: another host is reached.
    """
    result = bed.client.run("fetch", {"url": bed.plain_url(), "then": bed.plain_url("/on", OTHER)})

    assert "GET /on" == result.raise_for_outcome().value


def reported(result: Result) -> set[tuple[str, str]]:
    """
    What was only reported, as target and reason.
    """
    return {(each.target, each.reason) for each in result.denials if each.reported_only}


def metrics(bed: Bed) -> list[str]:
    return bed.server.scrape().splitlines()
