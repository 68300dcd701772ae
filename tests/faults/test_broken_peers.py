"""
Zygotes that do not keep to the protocol: their bundles are not served, and everybody else's are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from running_server import start_server
from toolcell_client import CallRefused, Client
from waiting import wait_until

from faults.interpreters import interpreter

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 30.0
# Lines for the interpreter of a zygote; `wire.send` is what sends every frame of it.
BREAKING = (
    "from toolcell_worker import wire; from toolcell_worker.wire import frames;"
    " send = frames.send; frames.send = wire.send = lambda c, k, p=b'', d=(): "
)
HUGE = r"b'\1\xff\xff\xff\xff'"  # the header of a catalogue of 4 GiB
PEERS = {
    "a_catalogue_that_is_no_json": "send(c, k, b'{' if k == 1 else p, d)",
    "a_pickle_for_a_catalogue": "send(c, k, b'\\x80\\x04]\\x94.' if k == 1 else p, d)",
    "a_catalogue_that_is_a_list": "send(c, k, b'[]' if k == 1 else p, d)",
    "a_catalogue_of_four_gibibytes": f"c.send({HUGE}) if k == 1 else send(c, k, p, d)",
    "a_frame_that_there_is_not": "send(c, 200 if k == 1 else k, p, d)",
    "half_a_frame": "(c.send(b'\\1\\0'), c.close()) if k == 1 else send(c, k, p, d)",
    "two_catalogues": "[send(c, k, p, d) for _ in range(2 if k == 1 else 1)]",
    "two_answers_to_one_spawn": "[send(c, k, p, d) for _ in range(2 if k == 3 else 1)]",
    "a_spawn_without_descriptors": "send(c, k, p, () if k == 3 else d)",
    "an_end_that_comes_twice": "[send(c, k, p, d) for _ in range(2 if k == 5 else 1)]",
    "an_end_of_nobody": "send(c, k, bytes(len(p)) if k == 5 else p, d)",
    "an_end_that_is_cut_off": "send(c, k, p[:3] if k == 5 else p, d)",
    "a_failure_without_a_detail": "send(c, 6 if k == 1 else k, b'{}' if k == 1 else p, d)",
}
TOOL = """
from toolcell_worker import tool

@tool(effects="read_only")
def {name}() -> str:
    '''Says its name.'''
    return "{name}"
"""


def bundle(folder: Path, name: str, python: str) -> str:
    """
    The settings of a bundle with one tool of this name.
    """
    (folder / "tools").mkdir(parents=True)
    (folder / "tools" / "one.py").write_text(TOOL.format(name=name))
    text = f'[[bundles]]\nname = "{name}"\npath = "{folder / "tools"}"\n'
    return text + (f'python = "{python}"\n' if python else "")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_zygotes_that_break_the_protocol_are_not_served_and_harm_nobody(tmp_path: Path) -> None:
    """
    A bundle's modules are imported in its zygote, and may break what they like there.
    """
    settings = "[builtin]\nenabled = false\n" + bundle(tmp_path / "good", "good", "")
    for name, breaking in PEERS.items():
        (tmp_path / name).mkdir()
        python = interpreter(tmp_path / name, BREAKING + breaking)
        settings += bundle(tmp_path / name, name, python)
    with (
        start_server(tmp_path, settings, server="warm_cells = 0") as server,
        Client(server.target, timeout=SECONDS) as client,
    ):
        labels = {}
        for name in PEERS:
            try:
                labels[name] = client.run(name, {}).label
            except CallRefused as exc:
                labels[name] = f"refused: {exc.reason}"
        before = descriptors(server.process.pid)
        good = [client.run("good", {}).value for _ in range(10)]
        # Zygotes are started again and again, and never kept; some are being started at any time.
        wait_until(lambda: descriptors(server.process.pid) < before + len(PEERS))

    print(labels)
    assert ["good"] * 10 == good
    assert set() == {name for name, label in labels.items() if label in ("completed", "failed")}
