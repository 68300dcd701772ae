"""
On a poorer host cells are weaker and say so, or there are none.  Never silently less.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from running_server import start
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client
from toolcell_client.errors import CallRefused

from hosts import living

if TYPE_CHECKING:
    from pathlib import Path


NAMESPACES = {"mounts", "processes", "network", "ipc", "hostname"}
# kinds of hosts.poorer: (the level that cells reach, the walls that are reported not active)
HOSTS = {
    "no_landlock": ("strong", {"landlock"}),
    "landlock_1": ("strong", {"landlock"}),
    "landlock_3": ("strong", {"landlock"}),
    "landlock_5": ("strong", {"landlock"}),
    "landlock_6": ("strong", set()),
    "no_namespaces": ("basic", NAMESPACES),
    "no_mounts": ("basic", NAMESPACES),
    "no_id_map": ("basic", NAMESPACES),
    "no_namespaces landlock_2": ("basic", {*NAMESPACES, "landlock"}),
    "no_namespaces no_landlock": ("none", set()),
    "no_seccomp": ("none", set()),
}
ONLY_ROOT = {"masked_proc": ("strong", set()), "no_user_namespaces": ("basic", NAMESPACES)}
CASES = [
    pytest.param(user, kinds, level, walls, id=f"{user}{kinds}")
    for user in living.users()
    for kinds, (level, walls) in {
        **HOSTS,
        **(ONLY_ROOT if living.ROOT and not user else {}),
    }.items()
]


@living.NEEDS_A_RUNTIME
@pytest.mark.parametrize(("user", "kinds", "level", "walls"), CASES)
def test_the_report_of_a_poorer_host_names_what_it_lacks(
    user: str, kinds: str, level: str, walls: set[str]
) -> None:
    """
    Each wall that is not fully up has a reason and a remedy; everything else is up, as on this
    host.
    """
    code, report, errors = living.doctor(user + kinds)

    assert report["level"] == level
    assert (code == 0) == (level in {"strong", "full"}), errors
    if level == "none":
        assert "cannot be isolated on this host" in errors
        return
    here = {"resources", *(["identity"] if user or not living.ROOT else [])}
    lesser = {row["wall"]: row for row in report["walls"] if row["status"] != "active"}
    assert walls - here <= lesser.keys() <= walls | here
    assert all(row["reason"] and row["remedy"] for row in lesser.values()), lesser


# By kinds of `hosts.poorer`: what the reason of the wall says of a call with domains.
PROXIES = {
    "no_namespaces": "a call with domains is held to its proxy by port, not by host (Landlock)",
    "no_namespaces landlock_4": "a call with domains is held to its proxy by port",
    "no_namespaces landlock_3": "a call with domains is refused, for there can be no proxy: ",
}


@living.NEEDS_A_RUNTIME
@pytest.mark.parametrize("user", living.users())
@pytest.mark.parametrize(("kinds", "reason"), PROXIES.items(), ids=PROXIES)
def test_the_report_says_whether_cells_without_namespaces_have_a_proxy(
    user: str, kinds: str, reason: str
) -> None:
    """
    A cell tried it: the version alone proves nothing.
    """
    _, report, _ = living.doctor(user + kinds)
    [network] = [row for row in report["walls"] if row["wall"] == "network"]

    assert ("basic", "degraded") == (report["level"], network["status"])
    assert reason in network["reason"]
    if "refused" in reason:
        assert "a proxy needs version 4 of Landlock, and this host has 3" in network["reason"]
        assert "for a proxy Linux 6.7 or newer with Landlock is enough" in network["remedy"]


@living.NEEDS_A_RUNTIME
def test_a_service_below_its_floor_does_not_start(tmp_path: Path) -> None:
    """
    The default floor is strong: less must be accepted by the operator, in writing.
    """
    done = subprocess.run(
        living.command("no_namespaces", "-m", "toolcell_server", "--listen", "127.0.0.1:0"),
        capture_output=True,
        text=True,
        timeout=living.SECONDS,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert "cannot be isolated on this host" in last
    assert "unshare: Operation not permitted" in last, "the cause is named"
    assert 'policy.minimum_isolation = "basic" accepts less' in last


@pytest.fixture
def lessened(tmp_path: Path) -> Path:
    """
    A folder with two files, both of which the service's user may read.
    """
    for name in ("granted", "other"):
        (tmp_path / name).write_text(f"the {name} file")
        (tmp_path / name).chmod(0o644)
    return living.lay_open(tmp_path)


@living.NEEDS_A_RUNTIME
@pytest.mark.parametrize("user", living.users())
def test_where_no_cell_can_be_held_to_a_proxy_a_call_with_domains_is_refused(
    user: str, tmp_path: Path
) -> None:
    """
    Nothing ran, and the call hears what is missing.
    """
    settings = living.lay_open(tmp_path) / "settings.toml"
    settings.write_text('[policy]\nminimum_isolation = "basic"\n')
    flags = ("--settings", str(settings), "--listen", "127.0.0.1:0")
    program = living.command(f"{user}no_namespaces landlock_3", "-m", "toolcell_server", *flags)

    with start(program, tmp_path / "log") as server, Client(server.target) as client:
        with pytest.raises(CallRefused) as refused:
            client.run("http_request", {"url": "http://127.0.0.1.example/"})
        control = client.run("calculate", {"expression": "1 + 1"})

    assert control.ok
    assert "ISOLATION_BELOW_FLOOR" == refused.value.reason
    assert ("strong", "basic") == (
        refused.value.metadata["wanted"],
        refused.value.metadata["have"],
    )


@living.NEEDS_A_RUNTIME
@pytest.mark.parametrize("user", living.users())
def test_a_bare_cell_opens_what_was_granted_and_nothing_beside_it(
    user: str, lessened: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    Landlock alone stands before the host's files there; outside, the code reads both.
    """
    attack = (
        "import os\n"
        f"for path in ({str(lessened / 'other')!r}, '/etc/passwd', '/proc/self/environ', '/tmp'):\n"
        "    try:\n"
        "        print('GOT', path, os.listdir(path) if path == '/tmp' else open(path).read())\n"
        "    except OSError:\n"
        "        pass\n"
        "for attempt in (lambda: os.kill(os.getppid(), 0), os.fork, lambda: os.chmod(\n"
        f"        {str(lessened / 'other')!r}, 0o600)):\n"
        "    try:\n"
        "        print('GOT', attempt())\n"
        "    except OSError:\n"
        "        pass\n"
    )
    outside = subprocess.run(
        [sys.executable, "-c", attack], capture_output=True, text=True, check=True
    )
    assert outside.stdout.count("GOT") >= 7, "the positive control"
    (lessened / "other").chmod(0o644)
    folder = living.lay_open(tmp_path_factory.mktemp("settings"))
    settings = folder / "settings.toml"
    root = f'{{path = "{lessened}", access = "write"}}'
    settings.write_text(f'[policy]\nminimum_isolation = "basic"\nroots = [{root}]\n')
    flags = ("--settings", str(settings), "--listen", "127.0.0.1:0")
    program = living.command(f"{user}no_namespaces", "-m", "toolcell_server", *flags)

    with start(program, folder / "log") as server, Client(server.target) as client:
        read = client.run("read_file", {"path": str(lessened / "granted")})
        attacked = client.run("run_python", {"code": attack})
        with pytest.raises(CallRefused) as refused:
            client.run("write_file", {"path": str(lessened / "new"), "content": "x"})

    assert read.value["content"] == "the granted file"
    assert read.isolation is not None
    assert read.isolation.level == pb.ISOLATION_LEVEL_BASIC
    assert attacked.label == "completed"
    assert "GOT" not in attacked.stdout.decode()
    assert refused.value.reason == "ISOLATION_BELOW_FLOOR"
