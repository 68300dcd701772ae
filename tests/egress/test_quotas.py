"""
Bytes that leave and enter cells are charged to the budget of a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_client.errors import QuotaExceeded

from egress.bed import made

if TYPE_CHECKING:
    from pathlib import Path

BUDGET = '[[rates]]\nname = "thrifty"\negress_bytes_per_day = {bytes}\n'


def test_what_a_cell_has_sent_and_received_is_charged(tmp_path: Path) -> None:
    """
    One page more than pays for itself; a tool that reaches nobody is not concerned.
    """
    tmp_path.chmod(0o755)
    with made(tmp_path, bundles=BUDGET.format(bytes=40_000)) as bed:
        spent, result = 0, None
        while spent < 40_000:
            result = bed.client.run("fetch", {"url": bed.url("/hello")})
            usage = result.usage
            assert usage.network_sent_bytes > 0
            spent += usage.network_sent_bytes + usage.network_received_bytes
        with pytest.raises(QuotaExceeded) as caught:
            bed.client.run("fetch", {"url": bed.url("/hello")})
        alone = bed.client.run("run_alone", {"code": "result = 1"})

    assert caught.value.metadata["quota"] == "egress_bytes"
    assert alone.raise_for_outcome().value == 1
    assert result is not None
    assert result.label == "exceeded(network)"  # the last had only what was left
