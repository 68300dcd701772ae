"""
A service that cannot start says why in one line that names the place, the value and the remedy.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from plain_calls import TOOLCELL
from running_server import LOCAL, start_server
from toolcell_client import Client
from unusable_settings import UNUSABLE

if TYPE_CHECKING:
    from pathlib import Path

CANNOT_SERVE = 2
LONGEST_LINE = 700  # characters; a path, a value and a remedy
SERVER = [sys.executable, "-m", "toolcell_server"]
SERVE = [*TOOLCELL, "serve"]
READER = """
import contextlib, io, json, sys
from toolcell_server.__main__ import main
for file in sys.argv[1:]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(["--settings", file])
    print(json.dumps([code, said.getvalue()]))
"""


def complaint(command: list[str], environment: dict[str, str] | None = None) -> str:
    """
    What a service that cannot start says: one line, and nothing on standard output.
    """
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env=os.environ | (environment or {}),
    )
    assert "" == done.stdout
    return one_line(done.returncode, done.stderr)


def one_line(code: int, said: str) -> str:
    assert CANNOT_SERVE == code, said
    line, rest = said.split("\n", 1)
    assert rest == ""
    assert line.startswith("toolcell_server: ")
    assert len(line) <= LONGEST_LINE
    return line


def settings(folder: Path, text: str) -> list[str]:
    file = folder / "settings.toml"
    file.write_text(text.format(folder))
    return ["--settings", str(file)]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """
    Of each of them: a folder, and the line that a service with these settings says.  One program
    reads them all, as its start takes much longer.
    """
    folders = [tmp_path_factory.mktemp("settings") for _ in UNUSABLE]
    cases = zip(folders, UNUSABLE, strict=True)
    files = [settings(folder, str(case.values[0]))[1] for folder, case in cases]
    command = [sys.executable, "-c", READER, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=True)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return [(folder, one_line(*each)) for folder, each in zip(folders, said, strict=True)]


@pytest.mark.parametrize(
    ("number", "says"),
    [pytest.param(n, case.values[1], id=case.id) for n, case in enumerate(UNUSABLE)],
)
def test_settings_that_cannot_be_used_are_named(
    complaints: list[tuple[Path, str]], number: int, says: tuple[str, ...]
) -> None:
    """
    File, key, value, remedy: an operator at night reads one line.
    """
    folder, found = complaints[number]

    wanted = [str(folder / "settings.toml"), *(words.format(folder) for words in says)]
    assert [] == [words for words in wanted if words not in found], found


@pytest.mark.parametrize(
    ("path", "says"),
    [
        pytest.param("{0}/none.toml", "No such file", id="missing"),
        pytest.param("{0}", "Is a directory", id="a directory"),
        # A file that nobody can read from its beginning, not even root.
        pytest.param("/proc/self/mem", "Input/output error", id="one that cannot be read"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path, path: str, says: str) -> None:
    """
    To go on with defaults would serve with a policy that the operator did not write.
    """
    named = path.format(tmp_path)

    found = complaint([*SERVER, "--settings", named])

    assert [] == [words for words in (named, says, "make this one readable") if words not in found]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_settings_file_of_somebody_else_is_named(tmp_path: Path) -> None:
    """
    The commonest reason why a file cannot be read.
    """
    flags = settings(tmp_path, "")
    (tmp_path / "settings.toml").chmod(0)

    assert f"{flags[1]}: Permission denied" in complaint([*SERVER, *flags])


def test_bytes_that_are_no_text_are_named_by_their_place(tmp_path: Path) -> None:
    """
    An editor with another encoding leaves no visible trace.
    """
    (tmp_path / "settings.toml").write_bytes(b'log_format = "\xff"')

    found = complaint([*SERVER, "--settings", str(tmp_path / "settings.toml")])

    assert "not UTF-8 at byte 14; save it as UTF-8" in found


@pytest.mark.parametrize(
    ("command", "environment", "says"),
    [
        pytest.param(
            [*SERVER, "--set", "server.lissten=3"], {}, ("command line", "listen?"), id="a flag"
        ),
        pytest.param([*SERVER, "--set", "server"], {}, ("KEY=VALUE",), id="a flag without value"),
        pytest.param(
            SERVER, {"TOOLCELL_SERVER__QUEUE": "many"}, ("TOOLCELL_SERVER__QUEUE",), id="a variable"
        ),
        pytest.param(
            SERVER, {"TOOLCELL_CONFIG": "/nowhere"}, ("/nowhere",), id="a variable for the file"
        ),
        pytest.param([*SERVE, "--listen", "0.0.0.0:1"], {}, ("loopback",), id="toolcell serve"),
    ],
)
def test_where_a_bad_setting_came_from_is_named(
    command: list[str], environment: dict[str, str], says: tuple[str, ...]
) -> None:
    """
    Whoever looks into the file for what a variable says looks for long.
    """
    found = complaint(command, environment)

    assert [] == [words for words in says if words not in found], found


@pytest.mark.parametrize(
    ("flag", "key"),
    [
        pytest.param("--listen", "server.listen", id="of the service"),
        pytest.param("--metrics-listen", "server.metrics_listen", id="of the metrics"),
    ],
)
def test_a_port_in_use_is_named_with_the_flag_that_chooses_another(
    tmp_path: Path, flag: str, key: str
) -> None:
    """
    With SO_REUSEPORT, gRPC's default, the second service would start, and half the calls hang.
    """
    with start_server(tmp_path) as first, Client(first.target) as client:
        address = first.target if key == "server.listen" else first.metrics
        flags = settings(tmp_path, f"[server]\n{LOCAL}")

        found = complaint([*SERVER, *flags, flag, address])

        assert f"{address} is in use; choose another with {flag} or {key}" in found
        assert client.run("calculate", {"expression": "6 * 7"}).ok


def test_a_port_that_somebody_else_has_is_named(tmp_path: Path) -> None:
    """
    What listens there need not be ours, nor speak HTTP/2.
    """
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        found = complaint([*SERVER, "--metrics-listen", "", "--listen", f"127.0.0.1:{port}"])

    assert f"127.0.0.1:{port} is in use" in found
