"""
What is told of a server that was not reached.
"""

from __future__ import annotations

import pytest
from toolcell_client.unreachable import sentence

REFUSED = (
    "failed to connect to all addresses; last error: UNKNOWN: {}:"
    " Failed to connect to remote host: Connection refused"
)


@pytest.mark.parametrize(
    ("target", "last", "told"),
    [
        ("localhost:5", "ipv6:%5B::1%5D:5", ", which was [::1] last; try 127.0.0.1:5"),
        ("localhost:5", "ipv4:127.0.0.1:5", ""),
        ("[::1]:5", "ipv6:%5B::1%5D:5", ""),
        ("tools.example:5", "ipv6:%5B2001:db8::1%5D:5", ""),
    ],
)
def test_a_name_of_two_addresses_is_told_with_the_one_that_refused(
    target: str, last: str, told: str
) -> None:
    """
    A server that listens at 127.0.0.1 and wants TLS closes there; gRPC may tell of [::1] alone.
    """
    assert f"no toolcell server at {target}{told}" == sentence(REFUSED.format(last), target)
