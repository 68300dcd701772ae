from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from performing import Performance, perform
from toolcell_worker import command_manifest
from toolcell_worker.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_worker.command import CommandTool

TEXT = {"text": {"type": "string"}, "many": {"type": "array"}, "size": {"type": "integer"}}


def write(folder: Path, script: str, manifest: str) -> Path:
    program = folder / "program"
    program.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    program.chmod(0o755)
    path = folder / "probe.toml"
    path.write_text(textwrap.dedent(manifest))
    return path


def command(folder: Path, script: str, **changes: Any) -> CommandTool:
    """
    A command tool whose program is `script`.
    """
    keys = {"name": "probe", "description": "Probes.", "argv": ["./program"], **changes}
    lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    parameters = '\n[parameters]\ntype = "object"\n' + "".join(
        f"properties.{name} = {_toml(schema)}\n" for name, schema in TEXT.items()
    )
    return command_manifest.load(write(folder, script, "\n".join(lines) + parameters))


def run(
    folder: Path, script: str, arguments: dict[str, Any] | None = None, **changes: Any
) -> Performance:
    return perform(command(folder, script, **changes), arguments or {})


def test_arguments_fill_templates_and_are_never_split_again(tmp_path: Path) -> None:
    """
    There is no shell: spaces, quotes, globs and semicolons in a value mean nothing.
    """
    hostile = "a b; touch 'x' \"$(id)\" *"
    performance = run(
        tmp_path,
        'printf "[%s]" "$#"; for a in "$@"; do printf "<%s>" "$a"; done',
        {"text": hostile, "many": ["x y", 2], "size": 7},
        argv=["./program", "{text}", "--size={size}", "{many}", "{{text}}"],
        result="text",
    )

    assert performance.result == f"[5]<{hostile}><--size=7><x y><2><{{text}}>"


def test_an_element_of_an_absent_argument_is_left_out(tmp_path: Path) -> None:
    """
    An empty argument would mean something else.
    """
    performance = run(
        tmp_path, 'printf "%s " "$#"', argv=["./program", "{text}", "--size={size}"], result="text"
    )

    assert performance.result == "0 "


def test_a_nul_byte_is_refused(tmp_path: Path) -> None:
    """
    No program can be given one; the kernel would cut the argument short.
    """
    performance = run(tmp_path, "true", {"text": "a\0b"}, argv=["./program", "{text}"])

    assert performance.raised["category"] == "user"
    assert "NUL" in performance.raised["message"]


def test_all_arguments_come_as_json_on_standard_input(tmp_path: Path) -> None:
    """
    The usual way for programs that read JSON.
    """
    performance = run(tmp_path, "cat", {"text": "ü", "size": 1}, stdin="json")

    assert performance.result == {"text": "ü", "size": 1}


def test_one_argument_comes_as_it_is_on_standard_input(tmp_path: Path) -> None:
    """
    The usual way for filters.
    """
    performance = run(tmp_path, "cat", {"text": "x\ny\0z"}, stdin="{text}", result="text")

    assert performance.result == "x\ny\0z"


def test_a_command_that_reads_nothing_and_writes_much_does_not_hang(tmp_path: Path) -> None:
    """
    With two pipes each side could wait for the other.
    """
    performance = run(
        tmp_path,
        "head -c 300000 /dev/zero | tr '\\0' x; cat > /dev/null",
        {"text": "y" * 500_000},
        stdin="{text}",
        result="text",
    )

    assert performance.result == "x" * 300_000


def test_output_streams_live_when_the_result_has_its_own_descriptor(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    A command can then print what it does.
    """
    performance = run(tmp_path, 'echo working; echo warning >&2; echo "[1, 2]" >&3', result="fd3")

    assert performance.result == [1, 2]
    output, errors = capfd.readouterr()
    assert output == "working\n"
    assert errors.endswith("warning\n")  # gRPC, in the memory of these tests, may speak before it


def test_an_exit_code_is_a_failure_that_names_it(tmp_path: Path) -> None:
    """
    Whatever was printed before is not a result.
    """
    found = run(tmp_path, "echo '{}'; exit 3").raised

    assert (found["exit_code"], found["signal"], found["limit"]) == (3, None, "")
    assert "code 3" in found["message"]


def test_a_signal_is_a_failure_that_names_it(tmp_path: Path) -> None:
    """
    A crash is not an exit code.
    """
    found = run(tmp_path, "kill -SEGV $$").raised

    assert (found["exit_code"], found["signal"]) == (None, 11)
    assert "SIGSEGV" in found["message"]


def test_a_result_above_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    """
    It might have none.
    """
    found = perform(
        command(tmp_path, "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done"),
        {},
        result_bytes=10_000,
    ).raised

    assert found["limit"] == "result"


def test_a_process_that_keeps_the_pipe_does_not_keep_the_command(tmp_path: Path) -> None:
    """
    End of file may never come.
    """
    performance = run(tmp_path, 'sleep 30 & echo $! > "$0.child"; echo 1')
    os.kill(int((tmp_path / "program.child").read_text()), 9)

    assert performance.result == 1


WRONG_OUTPUT = {
    "nothing": ("true", ["nothing", "standard output"]),
    "a text": ("echo hello", ["not JSON", "'hello"]),
    "a number that JSON lacks": ("echo NaN", ["not JSON"]),
    "two values": ("echo 1 2", ["not JSON"]),
}


@pytest.mark.parametrize(("script", "words"), WRONG_OUTPUT.values(), ids=WRONG_OUTPUT)
def test_output_that_is_not_json_is_shown(tmp_path: Path, script: str, words: list[str]) -> None:
    """
    The author sees at once what was printed instead.
    """
    found = run(tmp_path, script).raised

    assert found["code"] == "RESULT_INVALID"
    assert [word for word in words if word not in found["message"]] == []


def test_a_manifest_says_what_a_decorator_would(tmp_path: Path) -> None:
    """
    The server must not care in which language a tool is written.
    """
    found = command(tmp_path, "true", version="2", effects="read_only", tags=["a"]).manifest

    assert (found["name"], found["version"], found["effects"]) == ("probe", "2", "read_only")
    assert (found["profile"], found["command"]) == ("subprocess", True)
    assert found["parameters"]["additionalProperties"] is False


def test_the_schema_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    """
    JSON Schema is often at hand as JSON.
    """
    schema = '{"type": "object", "properties": {"x": {"type": "integer"}}}'
    (tmp_path / "schema.json").write_text(schema)
    text = """
        name = "probe"
        description = "Probes."
        argv = ["./program", "{x}"]
        parameters_file = "schema.json"
    """
    found = command_manifest.load(write(tmp_path, "echo $1", text))

    assert perform(found, {"x": 5}).result == 5


HEAD = 'name = "probe"\ndescription = "Probes."\n'
MISTAKES = {
    "no TOML": ("name = \nversion = 1", ["probe.toml: not TOML", "line 1"]),
    "an unknown key": (
        HEAD + 'argv = ["./program"]\nexec = 1',
        ["unknown key 'exec' in probe.toml; known keys are", "argv"],
    ),
    "no argv": (HEAD, ["argv must be a list"]),
    "argv as one text": (HEAD + 'argv = "./program x"', ["argv must be a list"]),
    "a program without a folder": (HEAD + 'argv = ["ls"]', ["'ls'", "absolute"]),
    "a program that is not there": (HEAD + 'argv = ["./none"]', ["there is no program"]),
    "a program that cannot be executed": (HEAD + 'argv = ["./probe.toml"]', ["chmod +x"]),
    "a placeholder of no parameter": (
        HEAD + 'argv = ["./program", "{x}"]',
        ["'x'", "does not have", "{{"],
    ),
    "a program that depends on an argument": (
        HEAD + 'argv = ["./{x}"]\nparameters.type = "object"\nparameters.properties.x = {}',
        ["argv[0]"],
    ),
    "an unknown result": (HEAD + 'argv = ["./program"]\nresult = "fd4"', ["'fd4'", "stdout, fd3"]),
    "an unknown stdin": (HEAD + 'argv = ["./program"]\nstdin = "yaml"', ["'yaml'", "json"]),
    "a profile that cannot start it": (
        HEAD + 'argv = ["./program"]\nprofile = "compute"',
        ["'compute'", "subprocess"],
    ),
    "parameters that are no object": (
        HEAD + 'argv = ["./program"]\nparameters.type = "string"',
        ["object"],
    ),
    "no description": (
        'name = "probe"\nargv = ["./program"]',
        ["probe.toml", 'add description = "…"'],
    ),
    "a name of the wrong type": (
        'name = 5\ndescription = "P."\nargv = ["./program"]',
        ["`name`", "`str`"],
    ),
    "a limit of the wrong type": (
        HEAD + 'argv = ["./program"]\nlimits.wall_seconds = "1"',
        ["limits.wall_seconds"],
    ),
    "whether it is a command": (HEAD + 'argv = ["./program"]\ncommand = true', ["unknown key"]),
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_manifest_is_named_with_its_remedy(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    """
    A key that is misspelt and ignored would be a limit or a grant that does not hold.
    """
    path = write(tmp_path, "true", "")
    path.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        command_manifest.load(path)

    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert str(caught.value).startswith("probe.toml: ")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(value, str)
        else str(value)
    )


UNSTARTABLE = {
    "Windows line ends": ("#!/bin/sh\r\ntrue\r\n", ["Windows line end"]),
    "a missing interpreter": ("#!/no/such/shell -e\ntrue\n", ["'/no/such/shell -e'", "first line"]),
}


@pytest.mark.parametrize(("script", "words"), UNSTARTABLE.values(), ids=UNSTARTABLE)
def test_a_script_that_cannot_be_started_says_what_is_missing(
    tmp_path: Path, script: str, words: list[str]
) -> None:
    """
    The kernel says "No such file" of a script that lies there for all to see.
    """
    probe = command(tmp_path, "true")
    (tmp_path / "program").write_bytes(script.encode())

    found = perform(probe, {}).raised

    assert (found["code"], found["denials"]) == ("COMMAND_NOT_STARTED", [])
    assert [word for word in ["program", *words] if word not in found["message"]] == []
