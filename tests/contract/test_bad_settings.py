"""
A service that cannot start says why in one line that names the place, the value and the remedy.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from plain_calls import TOOLCELL
from running_server import LOCAL, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from pathlib import Path

CANNOT_SERVE = 2
LONGEST_LINE = 700  # characters; a path, a value and a remedy
SERVER = [sys.executable, "-m", "toolcell_server"]
SERVE = [*TOOLCELL, "serve"]


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
    assert (CANNOT_SERVE, "") == (done.returncode, done.stdout), done.stderr
    line, rest = done.stderr.split("\n", 1)
    assert rest == ""
    assert line.startswith("toolcell_server: ")
    assert len(line) <= LONGEST_LINE
    return line


def settings(folder: Path, text: str) -> list[str]:
    file = folder / "settings.toml"
    file.write_text(text.format(folder))
    return ["--settings", str(file)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[server\n", ("line 1, column 8", "not TOML"), id="no TOML"),
        pytest.param("a = " + "[" * 100_000, ("nested too deeply",), id="100,000 brackets"),
        pytest.param(
            '[server]\nlissten = "127.0.0.1:1"', ("server.lissten", "mean listen?"), id="key"
        ),
        pytest.param('[sever]\nlisten = "127.0.0.1:1"', ("sever", "mean server?"), id="a section"),
        pytest.param("[server]\nlisten = 50051", ("server.listen = 50051", "quotes"), id="no text"),
        pytest.param(
            '[server]\nqueue = "many"', ('server.queue = "many"', "0 to 65536"), id="no number"
        ),
        pytest.param("[server]\nqueue = true", ("server.queue = true",), id="true for a number"),
        pytest.param(
            '[server]\nreflection = "yes"', ("server.reflection", "true or false"), id="no switch"
        ),
        pytest.param(
            '[policy]\nfilesystem = "off"', ("policy.filesystem",), id="a switch in quotes"
        ),
        pytest.param('[policy]\nminimum_isolation = ["full"]', ("basic, strong",), id="a list"),
        pytest.param("[limits.defaults]\nwall_seconds = nan", ("wall_seconds", "nan"), id="NaN"),
        pytest.param(
            "[limits.defaults]\nwall_seconds = 999",
            ("limits.defaults.wall_seconds = 999", "ceiling 300", "raise limits.ceilings"),
            id="a default above its ceiling",
        ),
        pytest.param(
            '[server]\nlisten = "0.0.0.0:50051"',
            ('server.listen = "0.0.0.0:50051"', "not a loopback", "127.0.0.1:50051"),
            id="every network of the host",
        ),
        pytest.param('[server]\nlisten = "[::]:1"', ("not a loopback",), id="every network, IPv6"),
        pytest.param(
            '[server]\nmetrics_listen = "0.0.0.0:1"',
            ("server.metrics_listen",),
            id="metrics for all",
        ),
        pytest.param(
            '[server]\nlisten = "127.0.0.1"', ("host:port",), id="an address with no port"
        ),
        pytest.param(
            '[[bundles]]\nname = "mine"\npath = "{0}/none"',
            ("bundles.mine.path", "{0}/none", "does not exist", "create"),
            id="a bundle that is not there",
        ),
        pytest.param(
            '[[bundles]]\nname = "mine"\npath = "tools"', ("not an absolute path",), id="relative"
        ),
        pytest.param(
            '[[bundles]]\nname = "mine"\npath = "{0}"\npython = "{0}/bin/python"',
            ("bundles.mine.python", "{0}/bin/python", "does not exist", "interpreter"),
            id="an interpreter that is not there",
        ),
        pytest.param(
            '[[bundles]]\nname = "mine"\npath = "{0}"\npython = "{0}/settings.toml"',
            ("bundles.mine.python", "not an executable file"),
            id="an interpreter that is none",
        ),
        pytest.param(
            '[[bundles]]\nname = "mine"', ("bundles.mine", "path or a package"), id="empty"
        ),
        pytest.param(
            '[policy]\nroots = [{{ path = "{0}/none" }}]',
            ("policy.roots[0].path", "{0}/none", "does not exist"),
            id="a root that is not there",
        ),
        pytest.param(
            '[policy]\nroots = [{{ path = "{0}", access = "rw" }}]',
            ("policy.roots[0].access", "'rw'", '"read" or "write"'),
            id="an unknown access",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    tmp_path: Path, text: str, says: tuple[str, ...]
) -> None:
    """
    File, key, value, remedy: an operator at night reads one line.
    """
    found = complaint([*SERVER, *settings(tmp_path, text)])

    wanted = [str(tmp_path / "settings.toml"), *(words.format(tmp_path) for words in says)]
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
