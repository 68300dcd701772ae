"""
Programs that no cell without namespaces can run speak to a cell's proxy as the others do.

They run outside, with the token of a cell that waits.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from egress.bed import OTHER
from egress.proxied import living

if TYPE_CHECKING:
    from egress.bed import Bed

CURL = ("curl", "--silent", "--show-error", "--fail", "--max-time", "20", "--noproxy", "")


def curl(proxied: Bed, proxy: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if "CI" not in os.environ and not shutil.which("curl"):
        pytest.skip("there is no curl here")
    trusted = str(proxied.authority.certificate)
    program = [*CURL, "--cacert", trusted, "--proxy", proxy, *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def test_curl_goes_by_a_tunnel_and_by_a_url(proxied: Bed) -> None:
    with living(proxied, []) as proxy:
        secure = curl(proxied, proxy.url, proxied.url("/page"))
        plain = curl(proxied, proxy.url, proxied.plain_url("/page"))
        inside = curl(proxied, proxy.url, "--proxytunnel", proxied.plain_url("/page"))

    assert ["GET /page"] * 3 == [each.stdout for each in (secure, plain, inside)], secure.stderr


def test_curl_posts_a_body_by_either_way(proxied: Bed) -> None:
    with living(proxied, []) as proxy:
        said = [
            curl(proxied, proxy.url, "--data", "x" * 5000, url("/post")).stdout
            for url in (proxied.url, proxied.plain_url)
        ]

    assert [f"POST /post {'x' * 5000}"] * 2 == said


def test_curl_hears_why_it_is_refused(proxied: Bed) -> None:
    """
    The reason is in a header; the control above shows that curl gets through.
    """
    before = (proxied.secure.connections, proxied.plain.connections)
    with living(proxied, []) as proxy:
        stranger = proxy.url.replace(proxy.token, "0" * 32)
        other = curl(proxied, proxy.url, "--include", proxied.url(host=OTHER))
        other_plain = curl(proxied, proxy.url, "--include", proxied.plain_url(host=OTHER))
        unknown = curl(proxied, stranger, "--include", proxied.url())

    assert "x-toolcell-reason: host_not_granted" in other.stdout + other.stderr
    assert "403" in other_plain.stderr
    assert "407" in unknown.stdout.splitlines()[0]
    assert before == (proxied.secure.connections, proxied.plain.connections)
