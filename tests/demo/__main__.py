"""
The demo: starts the service, makes real calls, allowed and forbidden, and checks each ending.

`make demo` runs it.  It exits 1 unless every outcome, limit and wall is the expected one.
"""

from __future__ import annotations

import sys

from toolcell_client import Client

from demo.attacks import show_attacks
from demo.endings import show_limits
from demo.governed import show_governance
from demo.registered import show_registry
from demo.report import Report
from demo.server import serving
from demo.streams import show_metrics, show_reattach, show_streams

if __name__ == "__main__":
    report = Report()
    with serving() as served, Client(served.target) as client:
        show_streams(client, report)
        show_attacks(client, served, report)
        show_limits(client, report)
        show_reattach(client, served, report)
        show_metrics(served, report)
    show_governance(report)
    show_registry(report)
    sys.exit(report.exit_code())
