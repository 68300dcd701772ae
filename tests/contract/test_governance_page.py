"""
The page about governance: what it shows as a whole is a server that serves, and governs.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from certifying import Authority
from running_server import Server, start
from toolcell_client import Client
from toolcell_client.errors import ApprovalRequired, CallRefused, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/governance/README.md").read_text()
TOKENS = {name: f"{name}-" + "0123456789abcdef" * 2 for name in ("agent", "olga")}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """
    The settings of the page, but for its places and what was made up.
    """
    folder = tmp_path_factory.mktemp("page")
    folder.chmod(0o755)
    papers = Authority(folder).server()
    for name in ("state", "data/reports", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "state").chmod(0o700)
    (folder / "data/reports/a").write_text("a report")
    (folder / "data/b").write_text("no report")
    (folder / "data/reports").chmod(0o755)
    text = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text
    settings = text[1].replace("/etc/toolcell/server.pem", str(papers.certificate))
    settings = settings.replace("/etc/toolcell/server.key", str(papers.key))
    settings = settings.replace("/var/lib/toolcell", f"{folder}/state").replace("50051", "0")
    settings = settings.replace("/var/log/toolcell", f"{folder}/log")
    settings = settings.replace("/srv/data", f"{folder}/data")
    for name, token in TOKENS.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        settings = re.sub(rf'(name = "{name}"\nsha256 = )"\w+"', rf'\1"{digest}"', settings)
    (folder / "settings.toml").write_text(settings)
    program = [sys.executable, "-m", "toolcell_server", "--config", str(folder / "settings.toml")]
    flags = ["--metrics-listen", "127.0.0.1:0"]
    with start([*program, *flags], folder / "log/server") as server:
        yield server, folder


def calling(served: tuple[Server, Path], name: str) -> Client:
    server, folder = served
    port = server.target.rpartition(":")[2]
    return Client(f"127.0.0.1:{port}", token=TOKENS[name], ca=str(folder / "authority.pem"))


def test_an_agent_may_what_the_page_says_and_nothing_else(served: tuple[Server, Path]) -> None:
    _, folder = served
    with calling(served, "agent") as agent:
        assert 42 == agent.run("calculate", {"expression": "6*7"}).value["value"]
        assert "a report" in str(agent.run("read_file", {"path": f"{folder}/data/reports/a"}).value)
        with pytest.raises(NotPermitted):
            agent.run("run_python", {"code": "1"})
        with pytest.raises(CallRefused, match="only-reports"):
            agent.run("read_file", {"path": f"{folder}/data/b"})


def test_somebody_else_approves_and_the_log_of_it_verifies(served: tuple[Server, Path]) -> None:
    _, folder = served
    written = {"path": f"{folder}/data/new", "content": "approved"}
    with calling(served, "agent") as agent, calling(served, "olga") as olga:
        with pytest.raises(ApprovalRequired) as asked:
            agent.run("write_file", written)
        assert not (folder / "data/new").exists()
        olga.approvals.approve(asked.value.approval_id)
        assert agent.run("write_file", written, approval_token=asked.value.token).ok
    assert "approved" == (folder / "data/new").read_text()
    audit = [sys.executable, "-m", "toolcell_server", "audit"]
    place = str(folder / "state/audit")
    verified = subprocess.run(
        [*audit, "verify", place], capture_output=True, text=True, check=False, env={**os.environ}
    )
    found = subprocess.run(
        [*audit, "search", place, "--principal", "agent"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert 0 == verified.returncode, verified.stdout + verified.stderr
    assert "write_file" in found.stdout
    assert "approval.approved" in found.stdout


def test_every_page_is_listed() -> None:
    pages = {page.name for page in (Path(__file__).parents[2] / "docs/governance").glob("*.md")}

    assert pages - {"README.md"} == set(re.findall(r"\]\((\w+\.md)\)", PAGE))
