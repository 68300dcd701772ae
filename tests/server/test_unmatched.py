"""
What the settings name and nobody has: it is told when the server starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from running_server import start_server
from toolcell_server import settings
from toolcell_server.unmatched import admits_nobody, nobody_approves, unknown_roles

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.settings import Settings

HASH = "a" * 64
TOKEN = f'[[auth.tokens]]\nname = "alice"\nsha256 = "{HASH}"\n'
ROLE = '[[roles]]\nname = "agent"\ntools = ["*"]\n'


def read(folder: Path, text: str) -> Settings:
    (folder / "toolcell.toml").write_text(text)
    return settings.read(str(folder / "toolcell.toml"))


def test_a_rate_of_a_role_that_nobody_has_limits_nobody_and_is_told(tmp_path: Path) -> None:
    """
    A role is had where [[roles]] makes it, or a credential of the settings carries it.
    """
    rates = "".join(
        f'[[rates]]\nname = "{name}"\nprincipal = "{principal}"\ncalls = "1/second"\n'
        for name, principal in (
            ("a", "role:agent"),
            ("b", "role:agnt"),
            ("c", "role:x"),
            ("d", "*"),
        )
    )
    found = read(tmp_path, f'{ROLE}{TOKEN}roles = ["x"]\n{rates}')

    assert [("b", "agnt")] == unknown_roles(found)


@pytest.mark.parametrize(
    ("text", "nobody"),
    [
        ("", False),
        (TOKEN, True),
        (f'{TOKEN}scopes = ["toolcell:approve"]\n', True),
        (f'{TOKEN}scopes = ["tools:*"]\n', False),
        (f"{TOKEN}{ROLE}", False),
        (f'{TOKEN}[[roles]]\nname = "chief"\nscopes = ["toolcell:approve"]\n', True),
        ('[auth]\ntokens_file = "/kept/elsewhere"\n', False),
    ],
)
def test_settings_that_authenticate_callers_and_let_none_call_are_known(
    text: str, nobody: bool, tmp_path: Path
) -> None:
    """
    Whoever has only read how callers are known would wonder why all of them are refused.
    """
    assert nobody == admits_nobody(read(tmp_path, text))


APPROVAL = '[[approval.tools]]\ntool = "calculate"\nkind = "{}"\n'
RULE = '[[rules]]\ntools = ["calculate"]\nthen = "require_approval"\n'


@pytest.mark.parametrize(
    ("text", "nobody"),
    [
        (APPROVAL.format("approve"), True),
        (APPROVAL.format("confirm"), False),
        (RULE, True),
        (f'{RULE}approval = "confirm"\n', False),
        ('[approval]\ndefault_for_destructive = "approve"\n', True),
        (f"{TOKEN}{APPROVAL.format('approve')}", True),
        (f'{TOKEN}scopes = ["toolcell:approve"]\n{APPROVAL.format("approve")}', False),
        (f'[auth]\ntokens_file = "/kept/elsewhere"\n{APPROVAL.format("approve")}', False),
    ],
)
def test_approvals_that_nobody_may_give_are_known(text: str, nobody: bool, tmp_path: Path) -> None:
    """
    A call that waits for them waits until they have expired.
    """
    assert nobody == nobody_approves(read(tmp_path, text))


def test_a_server_tells_of_each_when_it_starts(tmp_path: Path) -> None:
    """
    A screen or a hook for a tool that has another name looks at nothing.
    """
    text = (
        f'{TOKEN}[[screens]]\ntool = "qery"\nat = "/q"\nkinds = ["sql"]\n'
        '[[screens]]\ntool = "calculate"\nat = "/expression"\nkinds = ["sql"]\n'
        '[[middleware]]\nmodule = "os:getcwd"\nat = "before_admission"\ntools = ["calclate"]\n'
        f"{APPROVAL.format('approve')}[[rates]]\nname = 'r'\nprincipal = 'role:x'\n"
        'calls = "1/second"\n'
    )
    with start_server(tmp_path, text) as server:
        log = server.log.read_text()

    for said in (
        "screens[0] names a tool that no bundle has tool=qery",
        "middleware os:getcwd names a tool that no bundle has tool=calclate",
        "a rule of rates names a role that the settings do not have rule=r role=x",
        "no role and no scope lets anybody call a tool",
        "approvals are asked for that nobody may give",
    ):
        assert said in log
    assert "screens[1]" not in log
