"""
Tools that only read reach what the operator calls safe, by safe requests, and nobody else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toolcell_client.errors import CallRefused, ToolBroken

from egress.bed import PLAIN, Bed, made

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path(__file__).parent / "safe_bundle"
POLICIES = {
    "enforced": f'safe_domains = ["{PLAIN}"]',
    "report-only": f'safe_domains = ["{PLAIN}"]\ndomains_report_only = true',
}


@pytest.fixture(scope="module", params=list(POLICIES.values()), ids=list(POLICIES))
def safe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("safe")
    folder.chmod(0o755)
    with made(folder, policy=request.param, bundle=BUNDLE) as one:
        yield one


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_request_that_could_change_something_reaches_nobody(safe: Bed, method: str) -> None:
    """
    Not even where policy only reports.  A GET with a body is the positive control: the same tool,
    the same host.
    """
    safe.plain.seen.clear()
    refused = safe.client.run("order", {"method": method}).raise_for_outcome().value
    seen = list(safe.plain.seen)
    allowed = safe.client.run("order", {"method": "GET"}).raise_for_outcome().value

    assert (403, []) == (refused, seen)
    assert (200, 1) == (allowed, len(safe.plain.seen))


@pytest.mark.parametrize(
    "text",
    [
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "get / HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "not http at all\r\n\r\n",
    ],
    ids=["POST", "an upgrade", "a tunnel", "another case", "no HTTP"],
)
def test_nothing_else_is_spoken_on_its_connections(safe: Bed, text: str) -> None:
    safe.plain.seen.clear()
    host = f"{PLAIN}:{safe.plain.port}"
    answered = safe.client.run("speak", {"text": text.format(host=host)})
    control = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"

    assert "200" not in str(answered.value)
    assert [] == safe.plain.seen
    assert "HTTP/1.1 200 OK" == safe.client.run("speak", {"text": control}).value


def test_what_it_read_is_answered_from_the_cache(safe: Bed) -> None:
    safe.plain.seen.clear()
    first, again = (safe.client.run("look_up", {"path": "/again"}) for _ in range(2))

    assert first.raise_for_outcome().value == again.raise_for_outcome().value
    assert (False, True) == (first.cached, again.cached)
    assert 1 == len(safe.plain.seen)
    assert ([PLAIN], []) == ([c.host for c in first.contacts], [c.host for c in again.contacts])


def test_a_tool_whose_requests_nobody_sees_does_not_load(safe: Bed) -> None:
    with pytest.raises(ToolBroken, match="read_only, and yet it asks for plain"):
        safe.client.run("cannot_be_seen", {})


def test_without_the_operators_word_it_reaches_nobody(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with (
        made(tmp_path, bundle=BUNDLE) as bed,
        pytest.raises(CallRefused, match=r"policy\.safe_domains") as refused,
    ):
        bed.client.run("look_up", {"path": "/"})

    assert ("DOMAIN_NOT_ALLOWED", []) == (refused.value.reason, bed.plain.seen)
