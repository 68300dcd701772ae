"""
Cells beside each other: one process serves them all, and none has what another was granted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from egress.asking import granted_still_works, hosts

if TYPE_CHECKING:
    from toolcell_client import Result

    from egress.bed import Bed


@pytest.mark.slow
def test_fifty_cells_at_once_reach_each_its_own_name_and_no_other(bed: Bed) -> None:
    """
    One process serves them all, and the same addresses stand for other names in each.
    """
    names = [f"n{number}.example.test" for number in range(50)]
    bed.names.zone |= dict.fromkeys(names, ("127.0.0.1",))
    bed.plain.seen.clear()
    port = bed.plain.port

    def run(number: int) -> Result:
        own, other = names[number], names[(number + 1) % len(names)]
        code = f"""
result = []
for host in ({own!r}, {other!r}):
    for path in ("", "/again"):
        try:
            result.append(urllib.request.urlopen(f"http://{{host}}:{port}{{path}}").read().decode())
        except OSError: result.append("")
for last in range(1, 4):
    try:  # a reset may come before connect() returns
        with socket.create_connection((f"198.18.0.{{last}}", {port}), 5) as one:
            one.sendall(b"GET /other HTTP/1.1\\r\\nHost: {other}:{port}\\r\\n\\r\\n")
            result.append(one.recv(12).decode())
    except OSError: result.append("")
"""
        domains = [f"http://{own}:{port}"]
        return bed.client.run("run_code", {"code": code, "domains": domains}, timeout=55)

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(run, range(50)))

    expected = ["GET /", "GET /again", "", "", "HTTP/1.1 403", "", ""]
    assert [expected] * 50 == [result.raise_for_outcome().value for result in results]
    assert sorted([f"{name}:{port}" for name in names] * 2) == sorted(hosts(bed.plain))
    assert [1] * 50 == [len(result.contacts) for result in results]
    granted_still_works(bed)
