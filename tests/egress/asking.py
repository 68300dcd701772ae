"""
What tests of attacks ask again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_client import Result
    from toolcell_server.battery.sites import Site

    from egress.bed import Bed


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


def hosts(site: Site) -> list[str]:
    """
    The Host of each request that reached a site.
    """
    return [headers["Host"] for _, _, headers in site.seen]
