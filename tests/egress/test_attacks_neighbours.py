"""
Cells beside each other: one process serves them all, and none has what another was granted.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from waiting import PATIENCE

from egress.asking import granted_still_works, hosts
from egress.bed import made

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Result


CELLS = 200
SERVER = f"max_executions = {CELLS}\n"
SECONDS = 120 * PATIENCE
LIMITS = f"[limits.defaults]\nwall_seconds = {SECONDS}\n"
PROBE = """
result = []
for host in ({own!r}, {other!r}):
    for path in ("/together", "/again"):
        try:
            url = f"http://{{host}}:{port}{{path}}"
            result.append(urllib.request.urlopen(url).read().decode())
        except OSError: result.append("")
for last in range(1, 4):
    try:  # a reset may come before connect() returns
        with socket.create_connection((f"198.18.0.{{last}}", {port}), 5) as one:
            one.sendall(b"GET /other HTTP/1.1\\r\\nHost: {other}:{port}\\r\\n\\r\\n")
            result.append(one.recv(12).decode())
    except OSError: result.append("")
"""


@pytest.mark.slow
@pytest.mark.timeout(300 * PATIENCE)
def test_two_hundred_cells_at_once_reach_each_its_own_name_and_no_other(tmp_path: Path) -> None:
    """
    One process serves them all, and the same addresses stand for other names in each.  None is
    answered before all have come.
    """
    tmp_path.chmod(0o755)
    names = [f"n{number}.example.test" for number in range(CELLS)]
    with made(tmp_path, bundles=LIMITS, server=SERVER) as bed:
        bed.names.zone |= dict.fromkeys(names, ("127.0.0.1",))
        bed.plain.together = threading.Barrier(CELLS)
        port = bed.plain.port

        def run(number: int) -> Result:
            own, other = names[number], names[(number + 1) % CELLS]
            code = PROBE.format(own=own, other=other, port=port)
            arguments = {"code": code, "domains": [f"http://{own}:{port}"]}
            return bed.client.run("run_code", arguments, timeout=SECONDS)

        with ThreadPoolExecutor(CELLS) as pool:
            results = list(pool.map(run, range(CELLS)))

        expected = ["GET /together", "GET /again", "", "", "HTTP/1.1 403", "", ""]
        assert [expected] * CELLS == [result.raise_for_outcome().value for result in results]
        assert sorted([f"{name}:{port}" for name in names] * 2) == sorted(hosts(bed.plain))
        assert [1] * CELLS == [len(result.contacts) for result in results]
        granted_still_works(bed)
