"""
Health by name: a caller that needs a level asks whether the service reaches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running_server import start, start_server
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client

from hosts import living

if TYPE_CHECKING:
    from pathlib import Path

SERVING = health_pb2.HealthCheckResponse.SERVING
LEVELS = {
    "basic": pb.ISOLATION_LEVEL_BASIC,
    "strong": pb.ISOLATION_LEVEL_STRONG,
    "full": pb.ISOLATION_LEVEL_FULL,
}


def healthy(target: str) -> set[str]:
    """
    The levels for which the service says that it serves.
    """
    with grpc.insecure_channel(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        asked = {
            name: health_pb2.HealthCheckRequest(service=f"toolcell.isolation.{name}")
            for name in LEVELS
        }
        return {
            n for n, asking in asked.items() if stub.Check(asking, timeout=10).status == SERVING
        }


def test_health_knows_the_levels_that_results_report(tmp_path: Path) -> None:
    """
    A load balancer must not send a call where it will be refused.
    """
    with start_server(tmp_path) as server, Client(server.target) as client:
        isolation = client.run("current_time").isolation

        assert isolation is not None
        assert healthy(server.target) == {n for n, lvl in LEVELS.items() if isolation.level >= lvl}


@living.NEEDS_A_RUNTIME
def test_health_of_a_service_without_namespaces_is_basic(tmp_path: Path) -> None:
    """
    The same question on a poorer host has another answer.
    """
    settings = tmp_path / "settings.toml"
    settings.write_text('[policy]\nminimum_isolation = "basic"\n')
    flags = ("--settings", str(settings), "--listen", "127.0.0.1:0")
    program = living.command("no_namespaces", "-m", "toolcell_server", *flags)

    with start(program, tmp_path / "log") as server:
        assert healthy(server.target) == {"basic"}
