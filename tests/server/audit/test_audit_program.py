"""
`toolcell audit`: what it says, and with which exit code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import during, keys, log, records, rewritten, write
from toolcell_server.audit import program

if TYPE_CHECKING:
    from pathlib import Path

WHOLE, BROKEN, USAGE = 0, 1, 2


@pytest.fixture
def place(tmp_path: Path) -> Path:
    signer = keys(tmp_path)
    write(tmp_path / "log", 9, key=signer, checkpoint_file=str(tmp_path / "copy"))
    return tmp_path / "log"


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = program.main(["verify", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_whole_log_is_whole(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = verified(
        capsys,
        str(place),
        "--public-key",
        str(tmp_path / "key.pub"),
        "--checkpoint",
        str(tmp_path / "copy"),
    )

    assert (code, said["whole"], said["complaints"], said["notes"]) == (WHOLE, True, [], [])
    assert (said["records"], said["files"], said["signed_checkpoints"]) == (12, 1, 2)
    assert said["head"] == records(place)[-1]["hash"]


def test_what_was_not_looked_at_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Green without a key is less than green with one.
    """
    code, said = verified(capsys, str(place))

    assert code == WHOLE
    assert ["--public-key", "--checkpoint"] == [note.rpartition(" ")[2] for note in said["notes"]]


def test_a_broken_log_is_broken_and_it_is_said_where(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place / "audit-00000001.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"number":4', b'"number":5'))

    assert program.main(["verify", str(place)]) == BROKEN
    assert capsys.readouterr().out.startswith("audit-00000001.jsonl:7: record 7: was changed")
    code, said = verified(capsys, str(place))
    assert (code, said["whole"]) == (BROKEN, False)
    assert said["complaints"][0].items() >= {"file": file.name, "line": 7, "seq": 7}.items()


@pytest.mark.parametrize("flags", [["--public-key", "key.pub"], ["--key-file", "key.pem"]])
def test_either_half_of_the_key_finds_what_was_written_anew(
    place: Path, tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = [flags[0], str(tmp_path / flags[1])]
    assert verified(capsys, str(place), *given)[0] == WHOLE
    rewritten(place, lambda all_: [{**one, "data": {**one["data"], "number": 1}} for one in all_])

    assert verified(capsys, str(place))[0] == WHOLE
    assert verified(capsys, str(place), *given)[0] == BROKEN


def test_the_settings_say_where_everything_is(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[audit]\nfolder = "{place}"\nkey = {{file = "{tmp_path / "key.pem"}"}}\n'
        f'checkpoint_file = "{tmp_path / "copy"}"\n'
    )
    code, said = verified(capsys, "--config", str(settings))

    assert (code, said["notes"]) == (WHOLE, [])
    assert said["signed_checkpoints"] == 2


def test_a_log_that_is_being_written_can_be_verified(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Half a line is no damage while the server lives, and is when it does not.
    """
    file = place / "audit-00000001.jsonl"
    during(log(place), lambda: None)
    with file.open("ab") as half:
        half.write(b'{"specversion":')
    assert verified(capsys, str(place))[0] == BROKEN
    file.write_bytes(file.read_bytes().removesuffix(b'{"specversion":'))

    def act() -> None:
        with file.open("ab") as half:
            half.write(b'{"specversion":')
        codes.append(verified(capsys, str(place))[0])

    codes: list[int] = []
    during(log(place), act)

    assert codes == [WHOLE]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "{folder}/none"], "No such file or directory"),
        (["verify", "{folder}"], "holds no audit log"),
        (["verify", "{folder}/log", "--public-key", "{folder}/key.pem"], "is no public key"),
        (["verify", "{folder}/log", "--checkpoint", "{folder}/key.pem"], "holds no checkpoint"),
        (["verify", "--config", "{folder}/none.toml"], "cannot read the settings file"),
        (["verify", "--config", "{folder}/none.toml"], "or name the folder of the log"),
        (["verify"], "the settings keep no audit log"),
        (["search", "{folder}/none"], "No such file or directory"),
        (["keygen", "{folder}/key.pem"], "key.pem exists; name another"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    place: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert place.is_dir()

    assert program.main([one.format(folder=tmp_path) for one in arguments]) == USAGE
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_moment_that_is_none_is_told_with_one_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["search", str(tmp_path), "--since", "yesterday"])

    assert USAGE == ended.value.code
    assert "'yesterday' is no moment; write it as 2026-11-27" in capsys.readouterr().err


def found(capsys: pytest.CaptureFixture[str], place: Path, *flags: str) -> list[dict[str, Any]]:
    assert program.main(["search", str(place), *flags]) == WHOLE
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    moments = iter(range(100))
    one = log(tmp_path / "log")
    one._now = lambda: (1_795_784_400 + next(moments)) * 10**9

    def act() -> None:
        for name, tool, kind in (("alice", "a", "completed"), ("bob", "b", "lost")):
            data = {
                "principal": {"name": name},
                "tool": {"name": tool},
                "execution_id": f"e-{name}",
                "outcome": {"kind": kind},
            }
            one.append("execution.finished", data)
        one.append("call.refused", {"principal": {"name": "bob"}, "tool": "b", "evil": "\x9b"})

    during(one, act)
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("flags", "numbers"),
    [
        ([], [1, 2, 3, 4, 5, 6]),
        (["--principal", "bob"], [4, 5]),
        (["--tool", "a"], [3]),
        (["--tool", "b"], [4, 5]),
        (["--outcome", "lost"], [4]),
        (["--execution", "e-alice"], [3]),
        (["--type", "execution"], [3, 4]),
        (["--type", "toolcell.call.refused"], [5]),
        (["--type", "exec"], []),
        (["--principal", "bob", "--limit", "1"], [4]),
        (["--since", "2026-11-27T13:00:03Z", "--until", "2026-11-27T13:00:05Z"], [4, 5]),
        (["--since", "2026-11-28"], []),
    ],
)
def test_records_are_found_by_what_they_say(
    searched: Path, flags: list[str], numbers: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = found(capsys, searched, *flags)

    assert numbers == [int(one["seq"]) for one in lines]


def test_what_is_printed_is_a_record_and_cannot_steer_a_terminal(
    searched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Even of a file that somebody else has written.
    """
    program.main(["search", str(searched), "--type", "call"])
    printed = capsys.readouterr().out

    assert "\\u009b" in printed
    assert printed[:-1].isprintable()
    assert json.loads(printed) == records(searched, "call.refused")[0]


def test_keys_are_made_for_their_owner_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["keygen", str(tmp_path / "audit.pem")]) == WHOLE
    said = json.loads(capsys.readouterr().out)

    assert (tmp_path / "audit.pem").stat().st_mode & 0o777 == 0o600
    assert said["public"] == str(tmp_path / "audit.pem.pub")
    assert len(said["key"]) == 16


def test_the_command_reaches_it(place: Path) -> None:
    """
    `toolcell audit`, as a program.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "toolcell_client.cli", "audit", "verify", str(place), "--json"],
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == WHOLE
    assert json.loads(ended.stdout)["whole"] is True
