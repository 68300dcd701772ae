"""
The steps of the page about governance, as somebody types them who has read nothing else.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plain_calls import TOOLCELL
from running_server import start

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs/governance/README.md").read_text()
PLACES = ("/etc/toolcell", "/var/lib/toolcell", "/var/log/toolcell", "/srv/data")


def block(language: str, containing: str, folder: Path) -> str:
    """
    The one block with that text, with all places in a folder.
    """
    blocks = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    [found] = [each for each in blocks if containing in each]
    for place in PLACES:
        found = found.replace(place, f"{folder}{place}")
    return str(found)


def shell(line: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    toolcell = f'toolcell() {{ {" ".join(TOOLCELL)} "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", f"{toolcell}{line}"],
        capture_output=True, text=True, timeout=50, check=False, env=environment,
    )  # fmt: skip


def prepared(folder: Path) -> str:
    """
    Papers, tokens and folders, made as the page says; the settings with the hashes it printed.
    """
    folder.chmod(0o755)
    (folder / "etc/toolcell").mkdir(parents=True)
    made = shell(f"set -e\n{block('sh', 'openssl', folder)}", os.environ)
    assert 0 == made.returncode, made.stderr
    printed = [json.loads(line) for line in made.stdout.splitlines() if line.startswith("{")]
    settings = block("toml", "state_dir", folder).replace("0.0.0.0:50051", "0.0.0.0:0")
    for token in printed:
        name = Path(token["file"]).stem
        settings, count = re.subn(
            rf'(name = "{name}"\nsha256 = )"\w+"', rf'\1"{token["sha256"]}"', settings
        )
        assert count == 1
    return settings


def answers(folder: Path, target: str) -> list[tuple[str, int, str]]:
    """
    What each command of the page ends with and says; ID and TOKEN are what was printed before.
    """
    export, *lines = block("sh", "TOOLCELL_CA", folder).splitlines()
    found, known = [], {"ID": "", "TOKEN": ""}
    for line in lines:
        typed = line.partition(" #")[0]
        for word, value in known.items():
            typed = re.sub(rf"\b{word}\b", value, typed)
        done = shell(f"{export}\n{typed}", {**os.environ, "TOOLCELL_TARGET": target})
        said = done.stdout + done.stderr
        found.append((line, done.returncode, said))
        if asked := re.search(r"approval: (\S+) .*--approval-token (\S+)", said, re.DOTALL):
            known = {"ID": asked[1], "TOKEN": asked[2]}
    return found


def test_who_types_what_the_page_says_has_a_governed_server(tmp_path: Path) -> None:
    """
    With openssl, the command line as two principals, and the log of it at the end.
    """
    (tmp_path / "settings.toml").write_text(prepared(tmp_path))
    program = [sys.executable, "-m", "toolcell_server"]
    flags = ["--config", str(tmp_path / "settings.toml"), "--metrics-listen", ""]
    with start([*program, *flags], tmp_path / "log") as server:
        ended = answers(tmp_path, f"localhost:{server.target.rpartition(':')[2]}")
        log = server.log.read_text()

    assert [0, 0, 4, 0, 0, 0, 0] == [code for _, code, _ in ended], ended
    assert '"value":42' in ended[0][2]
    assert "what would change" in ended[3][2] or '"preview"' in ended[3][2]
    assert "whole:" in ended[-1][2]
    assert "b" == (tmp_path / "srv/data/a").read_text()
    assert "WARNING" not in log
