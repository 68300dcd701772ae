"""
Settings of identity with which a server does not start, and those of its document, which are read.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from running_server import LOCAL
from toolcell_server import settings

NOBODY = 9  # the port of discard, which nobody serves


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            f'[auth.jwt]\nissuer = "i"\naudience = "a"\njwks_url = "http://127.0.0.1:{NOBODY}/"',
            "auth.jwt.jwks_url",
            id="no issuer",
        ),
        pytest.param('[auth]\ntokens_file = "/none"', "auth.tokens", id="no file of tokens"),
        pytest.param(
            '[server.tls]\ncertificate = "/none"\nkey = "/none"', "server.tls", id="no certificate"
        ),
    ],
)
def test_a_server_that_could_let_nobody_in_does_not_start(
    text: str, says: str, tmp_path: Path
) -> None:
    """
    In one line, as every setting that cannot be used.
    """
    file = tmp_path / "settings.toml"
    file.write_text(f"[server]\n{LOCAL}{text}\n")
    program = [sys.executable, "-m", "toolcell_server", "--settings", str(file)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=40, check=False)

    assert (2, "") == (done.returncode, done.stdout)
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_example_of_the_document_is_read(tmp_path: Path) -> None:
    """
    An example that does not work is worse than none.
    """
    text = (Path(__file__).parents[2] / "docs/governance/identity.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "example.toml"
    file.write_text(example)
    found = settings.read(str(file))

    assert {"alice", "nightly", "agent"} == found.auth.names
    assert found.auth.jwt
    assert found.tls.client_ca
