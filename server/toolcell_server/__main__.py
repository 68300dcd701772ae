"""
`python -m toolcell_server`: reads the settings, serves, says how it ended.

`python -m toolcell_server run` runs one tool in one cell (`alone.py`), `… doctor` says what this
host can isolate (`doctor.py`), `… audit` reads an audit log (`audit/program.py`),
`… errors` prints the reference of all errors (`error_reference.py`),
`… validate` says what is wrong with definitions of tools (`defining/program.py`).

Exit codes: 0 drained, 2 it cannot serve with these settings on this host (one line says why),
128 + signal when a second signal cut the drain short.

Standard output carries one line, when it serves: `{"listening": "127.0.0.1:50051", "metrics":
"127.0.0.1:9464"}`, with the real ports where the settings leave them to the kernel (port 0).
Everything else goes to standard error.
"""

from __future__ import annotations

import os

# Before anything imports gRPC: its fork handlers crash children that are exec'd beside it.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
# Before anything imports the metrics' library: `_created` doubles the series for nothing.
os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "True"

import argparse
import json
import resource
import sys
from typing import TYPE_CHECKING

# First of ours: without the server's dependencies, none of the others can be imported.
from toolcell_server import installed  # noqa: F401  # it speaks, and ends the program

# isort: split
import uvloop

from toolcell_server import alone, app, doctor, error_reference, logs, scheduling, settings
from toolcell_server.addresses import AddressTaken
from toolcell_server.audit import program as audit_program
from toolcell_server.audit.folder import AuditUnusable
from toolcell_server.database import StoreFailed
from toolcell_server.defining import program as validate_program
from toolcell_server.host_ids import NoSpareIds
from toolcell_server.isolation_check import NotIsolated
from toolcell_server.keeper import KeeperFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

CANNOT_SERVE = 2
_CANNOT_SERVE = (
    *(AddressTaken, AuditUnusable, KeeperFailed, NoSpareIds, NotIsolated, StoreFailed),
    settings.SettingsError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Serve.

    Returns:
        The exit code.
    """
    asked = list(sys.argv[1:] if arguments is None else arguments)
    _take_all_descriptors()
    if asked[:1] == ["run"]:
        return alone.main(asked[1:])
    if asked[:1] == ["doctor"]:
        return doctor.main(asked[1:])
    if asked[:1] == ["audit"]:
        return audit_program.main(asked[1:])
    if asked[:1] == ["errors"]:
        return error_reference.main()
    if asked[:1] == ["validate"]:
        return validate_program.main(asked[1:])
    given = _parser().parse_args(asked)
    try:
        found = settings.read(given.config, os.environ, _flags(given))
        logs.configure(found.log_format)
        scheduling.come_first()
        return uvloop.run(app.App(found).run(_announce))
    except _CANNOT_SERVE as exc:
        print(f"toolcell_server: {exc}", file=sys.stderr)  # noqa: T201  # before there is a log
        return CANNOT_SERVE


def _take_all_descriptors() -> None:
    """
    Raise our soft limit to the hard one.  A descriptor on its way to another process counts against
    the sender's limit together with all that the user has on their way (unix(7), ETOOMANYREFS):
    cells of an ordinary user's service could keep us from making others.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="toolcell serve", description="Serves toolcell over gRPC."
    )
    parser.add_argument(
        "--config", "--settings", default="", metavar="FILE", help="the settings file (TOML)"
    )
    parser.add_argument("--listen", metavar="ADDRESS", help="server.listen, as in 127.0.0.1:50051")
    parser.add_argument(
        "--metrics-listen", metavar="ADDRESS", help='server.metrics_listen; "" for none'
    )
    parser.add_argument("--log-format", metavar="FORMAT", help="text or json")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="any setting, as in --set server.drain_seconds=3; may be given again",
    )
    return parser


def _flags(given: argparse.Namespace) -> dict[str, str]:
    """
    The settings that were given as flags, by key.
    """
    flags: dict[str, str] = {}
    for assignment in given.set:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise settings.SettingsError(
                "is no assignment", "write --set KEY=VALUE", key=assignment, source="--set"
            )
        flags[key] = value
    own = {
        "server.listen": given.listen,
        "server.metrics_listen": given.metrics_listen,
        "log_format": given.log_format,
    }
    return flags | {key: value for key, value in own.items() if value is not None}


def _announce(listening: str, metrics: str) -> None:
    """
    Tell whoever started us; it may not be listening.
    """
    try:
        print(json.dumps({"listening": listening, "metrics": metrics}), flush=True)  # noqa: T201
    except (BrokenPipeError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # the interpreter flushes it again


if __name__ == "__main__":
    sys.exit(main())
