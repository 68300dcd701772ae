"""
What is off says which setting switches it on, and a wrong command which one is right.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from plain_calls import TOOLCELL
from running_server import Server, start_server
from toolcell_client import CallRefused, Client
from toolcell_client.hosting import hosted
from toolcell_server.settings.building import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KNOWN = {f"{section}.{name}" for section, names in SECTIONS.items() for name in names}
COMMAND = {
    "name": "nothing",
    "description": "Does nothing.",
    "parameters": {"type": "object"},
    "argv": ["/bin/true"],
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    A server whose settings say nothing, but that there are no workflows.
    """
    with start_server(tmp_path_factory.mktemp("bare"), "[workflows]\nenabled = false\n") as server:
        yield server


@hosted
def idle() -> None:
    """Does nothing."""


def _host(client: Client) -> None:
    client.host(idle).run()


OFF: dict[str, tuple[Callable[[Client], Any], str]] = {
    "registering": (lambda client: client.registry.register([COMMAND]), "registry.enabled"),
    "uploads": (lambda client: client.registry.upload(b"1", "a.py"), "registry.upload_keys"),
    "sessions": (lambda client: client.sessions.create(), "sessions.enabled"),
    "hosting": (_host, "hosts.enabled"),
    "workflows": (lambda client: client.workflows.run("some"), "workflows.enabled"),
}


@pytest.mark.parametrize(("doing", "setting"), OFF.values(), ids=OFF.keys())
def test_what_is_off_names_its_setting(
    bare: Server, doing: Callable[[Client], Any], setting: str
) -> None:
    """
    The operator reads it, and has no other way to know where to look.
    """
    with Client(bare.target) as client, pytest.raises(CallRefused) as refused:
        for _ in doing(client) or ():
            pass

    assert "SWITCHED_OFF" == refused.value.reason
    named = {*re.findall(r"[a-z_]+\.[a-z_]+", refused.value.hint)}
    assert setting in named
    assert set() == named - KNOWN


def test_code_is_not_registered_as_if_it_were_a_manifest(tmp_path: Path) -> None:
    """
    Whoever has a tool in Python tries this first.
    """
    file = tmp_path / "tools.py"
    file.write_text("def shout(): ...")
    done = subprocess.run(
        [*TOOLCELL, "tools", "register", str(file)], capture_output=True, text=True, check=False
    )

    assert (2, True) == (done.returncode, f"toolcell tools upload {file}" in done.stderr)
