"""
The page about voice, typed as it stands.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import Server, start_server
from toolcell_client.testing.providers import Calls, ProviderServer, Says
from toolcell_client.voice import VoiceOptions
from toolcell_client.voice.lint_parameters import PARAMETER_RULES
from toolcell_client.voice.lint_tools import TOOL_RULES
from toolcell_client.voice.options import DEFAULT_BARGE_IN
from voice_wire import Speaker
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "orchestrators" / "voice.md").read_text()
TOOLS = '[{"name": "a", "description": "", "parameters": {"type": "object"}}]'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("server")) as one:
        yield one


def test_the_program_runs_as_it_is_shown(server: Server, tmp_path: Path) -> None:
    """
    Against the local provider, with the environment alone changed.
    """
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    model = Speaker()
    model.steps.extend([Calls(("calculate", {"expression": "6*7"})), Says("Forty-two.")])
    (tmp_path / "program.py").write_text(code)
    with ProviderServer(model) as provider:
        environment = {
            "TOOLCELL_TARGET": server.target,
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": provider.openai_base_url,
            "PATH": "",
        }
        program = subprocess.Popen(
            [sys.executable, "-W", "error", str(tmp_path / "program.py")], env=environment
        )
        try:
            wait_until(lambda: any(each.path == "session.update" for each in provider.requests))
            provider.sessions[0].hear("What is six times seven?")
            wait_until(lambda: "Forty-two." in model.said)
            transcribes = provider.sessions[0].settings["audio"]["input"]["transcription"]
            assert {"model": "gpt-4o-mini-transcribe"} == transcribes
        finally:
            program.terminate()
            program.wait(20)


def test_the_commands_run_as_they_are_shown(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tools.json").write_text(TOOLS)
    shown = re.findall(r"^    (toolcell tools lint .*?)\s+#", PAGE, re.MULTILINE)
    codes = []
    for line in shown:
        command = [sys.executable, "-m", "toolcell_client.cli", *shlex.split(line)[1:]]
        environment = {"TOOLCELL_TARGET": server.target, "PATH": ""}
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=30
        )
        assert b"" == ended.stderr
        codes.append(ended.returncode)

    assert (2, 1) == (len(shown), codes[0])


def test_the_table_of_interruptions_is_the_default() -> None:
    shown = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE))

    assert {key: str(value) for key, value in DEFAULT_BARGE_IN.items()} == shown


def test_every_code_of_the_lint_is_on_the_page() -> None:
    files = {sys.modules[rule.__module__].__file__ for rule in (*TOOL_RULES, *PARAMETER_RULES)}
    source = "".join(Path(str(each)).read_text() for each in files)
    codes = set(re.findall(r'^ +"([a-z]+(?:-[a-z]+)+|markup|nested)",$', source, re.MULTILINE))
    table = PAGE.partition("| code | level")[2]

    assert codes == set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", table.partition("\nExit")[0])) - {
        "writes"
    }


def test_the_options_on_the_page_exist() -> None:
    named = set(re.findall(r"`(\w+_seconds|confirm_destructive|confirm_by)", PAGE))

    assert named <= set(VoiceOptions.__dataclass_fields__)
