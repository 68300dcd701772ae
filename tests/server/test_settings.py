"""
Settings: what is read from where, and what is said about what cannot be used.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from toolcell_server import settings
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: str, **environment: str) -> settings.Settings:
    path = folder / "toolcell.toml"
    path.write_text(text, encoding="utf-8")
    return settings.read(str(path), environment)


def complaint(folder: Path, text: str, **environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, **environment)
    message = str(caught.value)

    assert "\n" not in message
    return message


def test_without_a_file_the_defaults_are_safe() -> None:
    """
    Whoever starts the server without reading anything must not open it to the network.
    """
    found = settings.read()

    assert found.server.listen == "127.0.0.1:50051"
    assert found.server.metrics_listen == "127.0.0.1:9464"
    assert not found.server.reflection
    assert not found.builtin.run_shell
    assert found.policy.roots == ()
    assert found.server.max_executions >= 1


def test_every_section_of_the_file_reaches_its_value(tmp_path: Path) -> None:
    """
    A key that is read and then dropped is worse than one that is refused.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    found = read(
        tmp_path,
        f"""
        log_format = "json"
        [server]
        listen = "[::1]:0"
        metrics_listen = ""
        reflection = true
        max_receive_bytes = 20971520
        reattach_grace_seconds = 1
        heartbeat_seconds = 0.5
        drain_seconds = 2.5
        keep_finished_seconds = 60
        journal_bytes = 1048576
        max_executions = 3
        queue = 0
        [policy]
        roots = [{{ path = "{tools}", access = "write" }}]
        denied_paths = ["/srv/secret"]
        commands = false
        minimum_isolation = "strong"
        tools_disabled = ["run_python"]
        [limits.defaults]
        wall_seconds = 7
        [limits.ceilings]
        memory_bytes = 1073741824
        [[bundles]]
        name = "mine"
        path = "{tools}"
        python = "{sys.executable}"
        env = {{ LEVEL = "3" }}
        [[bundles]]
        name = "other"
        package = "my_tools.files"
        [builtin]
        run_shell = true
        """,
    )

    assert found.log_format == "json"
    assert found.server == settings.ServerSettings(
        listen="[::1]:0",
        metrics_listen="",
        reflection=True,
        max_receive_bytes=20 * 2**20,
        reattach_grace_seconds=1,
        heartbeat_seconds=0.5,
        drain_seconds=2.5,
        keep_finished_seconds=60,
        journal_bytes=2**20,
        max_executions=3,
        queue=0,
    )
    assert [(root.path, root.writable) for root in found.policy.roots] == [(str(tools), True)]
    assert "/srv/secret" in found.policy.denied_paths
    assert not found.policy.commands
    assert found.policy.tools_disabled == frozenset({"run_python"})
    assert found.defaults.wall_seconds == 7
    assert found.ceilings.memory_bytes == 2**30
    assert [bundle.name for bundle in found.bundles] == ["mine", "other"]
    assert found.bundles[0].env == {"LEVEL": "3"}
    assert found.builtin.run_shell


def test_flags_win_over_the_environment_which_wins_over_the_file(tmp_path: Path) -> None:
    """
    The nearest hand decides: what is typed, then what is exported, then what is written down.
    """
    path = tmp_path / "toolcell.toml"
    path.write_text(
        'log_format = "json"\n[server]\nqueue = 1\nmax_executions = 1\ndrain_seconds = 1'
    )
    environment = {"TOOLCELL_SERVER__QUEUE": "2", "TOOLCELL_SERVER__MAX_EXECUTIONS": "2"}
    found = settings.read(str(path), environment, {"server.queue": "3"})

    assert (found.server.queue, found.server.max_executions) == (3, 2)
    assert (found.server.drain_seconds, found.log_format) == (1, "json")


def test_the_environment_names_the_file_and_single_keys(tmp_path: Path) -> None:
    """
    In a container there is often nothing else.
    """
    path = tmp_path / "toolcell.toml"
    path.write_text("[server]\nqueue = 5")
    environment = {
        "TOOLCELL_CONFIG": str(path),
        "TOOLCELL_SERVER__LISTEN": "127.0.0.1:0",
        "TOOLCELL_SERVER__REFLECTION": "true",
        "TOOLCELL_POLICY__TOOLS_DISABLED": '["run_python"]',
        "TOOLCELL_LIMITS__DEFAULTS__WALL_SECONDS": "2.5",
        "TOOLCELL_LOG_FORMAT": "json",
        "TOOLCELL_TOKEN": "another program's",
        "HOME": "/root",
    }
    found = settings.read("", environment)

    assert (found.server.queue, found.server.listen) == (5, "127.0.0.1:0")
    assert found.server.reflection
    assert found.policy.tools_disabled == frozenset({"run_python"})
    assert found.defaults.wall_seconds == 2.5
    assert found.log_format == "json"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[sever]", ["sever", "did you mean server?"], id="an unknown section"),
        pytest.param("[server]\nlisen=''", ["server.lisen", "listen?"], id="an unknown key"),
        pytest.param("colour=1", ["colour", "log_format"], id="an unknown key like no other"),
        pytest.param("[limits]\nwall=1", ["limits.wall", "defaults"], id="a limit out of place"),
        pytest.param(
            "[limits.defaults]\nwall=1", ["limits.defaults.wall", "wall_seconds?"], id="no limit"
        ),
        pytest.param("server=1", ["server = 1", "[server]"], id="a value in place of a section"),
        pytest.param("[server]\nlisten=1", ["server.listen = 1", "quotes"], id="no text"),
        pytest.param("[server]\nlisten='x'", ['server.listen = "x"', "host:port"], id="no address"),
        pytest.param(
            "[server]\nlisten='127.0.0.1:99999'", ["server.listen", "host:port"], id="no port"
        ),
        pytest.param(
            "[server]\nlisten='0.0.0.0:1'", ["loopback", "authenticate"], id="every address"
        ),
        pytest.param(
            "[server]\nlisten='example.com:1'", ["loopback", "127.0.0.1:1"], id="a name outside"
        ),
        pytest.param(
            "[server]\nmetrics_listen='10.0.0.1:1'",
            ["metrics_listen", "loopback"],
            id="metrics",
        ),
        pytest.param("[server]\nreflection='yes'", ["true or false"], id="a switch as text"),
        pytest.param("[server]\nqueue=-1", ["server.queue = -1", "from 0"], id="below the range"),
        pytest.param("[server]\nqueue=1.5", ["whole number"], id="no whole number"),
        pytest.param("[server]\nqueue=true", ["whole number"], id="true as a number"),
        pytest.param("[server]\ndrain_seconds=nan", ["out of range"], id="not a number"),
        pytest.param("[server]\nheartbeat_seconds=inf", ["out of range"], id="an endless one"),
        pytest.param("[server]\nmax_executions=0", ["max_executions", "from 1"], id="none at all"),
        pytest.param("log_format='xml'", ['"xml"', "text, json"], id="an unknown log format"),
        pytest.param("log_format=[]", ["log_format", "text, json"], id="a list as log format"),
        pytest.param("state_dir='/no/such'", ["state_dir", "create the"], id="no state_dir"),
        pytest.param(
            "[limits.defaults]\nprocesses=0", ["limits.defaults.processes", "positive"], id="zero"
        ),
        pytest.param(
            "[limits.defaults]\nwall_seconds='9'",
            ["limits.defaults.wall_seconds: must be a positive"],
            id="as text",
        ),
        pytest.param(
            "[limits.defaults]\nwall_seconds=301",
            ["limits.defaults.wall_seconds = 301", "limits.ceilings.wall_seconds"],
            id="a default above its ceiling",
        ),
        pytest.param(
            "[limits.ceilings]\narguments_bytes=13000000",
            ["limits.ceilings.arguments_bytes", "12582912"],
            id="arguments that no message carries",
        ),
        pytest.param(
            "[policy]\nminimum_isolation='none'", ["minimum_isolation", "basic"], id="no isolation"
        ),
        pytest.param("[policy]\nroots=['/srv']", ["policy.roots[0]", "access"], id="root as text"),
        pytest.param(
            "[policy]\nroots=[{path='srv'}]", ["policy.roots[0].path", "srv"], id="a relative root"
        ),
        pytest.param(
            "[policy]\nroots=[{path='/no/such/root'}]",
            ["policy.roots[0].path", "does not exist"],
            id="a root that does not exist",
        ),
        pytest.param(
            "[policy]\nroots=[{path='/etc/passwd'}]", ["not a directory"], id="a file as root"
        ),
        pytest.param(
            "[policy]\ndenied_paths=['secret']",
            ["policy.denied_paths", "secret"],
            id="relative",
        ),
        pytest.param("[policy]\ncommands=1", ["policy.commands", "true or false"], id="no switch"),
        pytest.param("bundles=1", ["bundles", "[[bundles]]"], id="no list of bundles"),
        pytest.param("[[bundles]]\npath='/tmp'", ["bundles[0]", "no name"], id="a nameless bundle"),
        pytest.param(
            "[[bundles]]\nname='A b'\npath='/tmp'", ["bundles.name", "a-z"], id="a bad bundle name"
        ),
        pytest.param(
            "[[bundles]]\nname='builtin'\npath='/tmp'", ["not builtin"], id="the builtin's name"
        ),
        pytest.param("[[bundles]]\nname='a'", ["bundles.a", "path or a package"], id="no place"),
        pytest.param(
            "[[bundles]]\nname='a'\nentry_points=[]",
            ["bundles.a.entry_points", "or true"],
            id="no entry points",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\nentry_points='x'",
            ["bundles.a.entry_points", "or true"],
            id="entry points as a text",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\ndistributions=[1]",
            ["bundles.a.distributions", "give names"],
            id="a distribution that is no name",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\nentry_points=true",
            ["bundles.a", "one of the three"],
            id="a path and entry points",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\nreload_seconds=0.001",
            ["bundles.a.reload_seconds", "0 for never"],
            id="looks too often",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\nreload_seconds=-1",
            ["bundles.a.reload_seconds", "out of range"],
            id="looks in the past",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npackage='x'\nreload_seconds=1",
            ["bundles.a.reload_seconds", "a bundle with a path"],
            id="looks at a package",
        ),
        pytest.param(
            "[registry]\nenabled=true\n[[registry.upload_keys]]\nname='ci'\npublic_key='abc'",
            ["registry.upload_keys.public_key", "openssl pkey -pubout"],
            id="a key that is none",
        ),
        pytest.param(
            "[registry]\nenabled=true\n[[registry.upload_keys]]\nname='ci'",
            ["registry.upload_keys[0].public_key", "is missing"],
            id="a name without a key",
        ),
        pytest.param(
            "[registry]\nenabled=true\n[[registry.upload_keys]]\nname=''\npublic_key='abc'",
            ["registry.upload_keys.name", "printable"],
            id="a key without a name",
        ),
        pytest.param(
            "[registry]\nupload_keys=3",
            ["registry.upload_keys", "[[registry.upload_keys]]"],
            id="keys that are no list",
        ),
        pytest.param(
            "[registry]\nrequire_signature='no'",
            ["registry.require_signature", "true or false"],
            id="a signature perhaps",
        ),
        pytest.param(
            "[registry]\nupload_bytes=99999999",
            ["registry.upload_bytes", "out of range"],
            id="an upload above a message",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\npackage='b'", ["one of the three"], id="two places"
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/no/such'",
            ["bundles.a.path", "does not exist"],
            id="a bundle that is not there",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='tools'",
            ["bundles.a.path", "absolute"],
            id="relative path",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/etc/passwd'", ["not a directory"], id="a file as bundle"
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npackage='x; y'",
            ["bundles.a.package", "import"],
            id="no name",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\npython='/etc/passwd'",
            ["bundles.a.python", "executable"],
            id="an interpreter that is none",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\npyton='/x'",
            ["bundles[0].pyton", "did you mean python?"],
            id="an unknown key of a bundle",
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\nenv={X=1}", ["bundles.a.env.X"], id="env no text"
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\nenv={'X-Y'='1'}", ["variable"], id="env no name"
        ),
        pytest.param(
            "[[bundles]]\nname='a'\npath='/tmp'\n[[bundles]]\nname='a'\npath='/tmp'",
            ["two bundles", "rename"],
            id="two bundles of one name",
        ),
        pytest.param("[builtin]\nrun_shel=true", ["run_shell?"], id="an unknown builtin"),
        pytest.param("[server]\nqueue = = 1", ["not TOML", "line 2"], id="malformed TOML"),
    ],
)
def test_a_bad_setting_is_one_line_with_file_key_and_remedy(
    tmp_path: Path, text: str, says: list[str]
) -> None:
    """
    The operator reads it on a terminal at three in the morning.
    """
    message = complaint(tmp_path, text)

    assert "toolcell.toml" in message
    for part in says:
        assert part in message


def test_a_bad_variable_is_named_as_it_is_spelled_in_the_environment(tmp_path: Path) -> None:
    """
    The operator looks for it there, not in the file.
    """
    assert "TOOLCELL_SERVER__QUEUE" in complaint(tmp_path, "", TOOLCELL_SERVER__QUEUE="-1")
    assert "write it as in TOML" in complaint(tmp_path, "", TOOLCELL_SERVER__QUEUE="many")
    assert "did you mean queue?" in complaint(tmp_path, "", TOOLCELL_SERVER__QUEU="1")
    assert "did you mean log_format?" in complaint(tmp_path, "", TOOLCELL_LOG_FORMT="json")


def test_a_bad_flag_is_said_to_come_from_the_command_line() -> None:
    """
    It wins over file and environment, so looking there would be in vain.
    """
    with pytest.raises(SettingsError, match=r"the command line: server\.queue = -1"):
        settings.read("", {}, {"server.queue": "-1"})


def test_a_lower_ceiling_lowers_the_default_that_was_not_given(tmp_path: Path) -> None:
    """
    Whoever lowers the ceiling means it, and need not know every default below it.
    """
    found = read(tmp_path, "[limits.ceilings]\nwall_seconds = 5")

    assert found.defaults.wall_seconds == 5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda path: None, "No such file", id="a file that is not there"),
        pytest.param(lambda path: path.mkdir(), "Is a directory", id="a directory"),
        pytest.param(lambda path: path.write_bytes(b"\xff"), "UTF-8 at byte 0", id="not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_sentence(
    tmp_path: Path, make: object, says: str
) -> None:
    """
    It is the first thing that goes wrong on a new host.
    """
    path = tmp_path / "toolcell.toml"
    make(path)  # type: ignore[operator]
    with pytest.raises(SettingsError, match=says):
        settings.read(str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_one_clear_sentence(tmp_path: Path) -> None:
    """
    A settings file with secrets in its environment tables is often 0600 and somebody else's.
    """
    path = tmp_path / "toolcell.toml"
    path.touch(mode=0)
    with pytest.raises(SettingsError, match="Permission denied"):
        settings.read(str(path))
