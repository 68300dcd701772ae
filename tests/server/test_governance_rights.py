"""
The operators' pages on rights and hooks: their examples are read, and do what the pages say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scripted_executor import run
from toolcell_server import settings, wiring
from toolcell_server.app import App
from toolcell_server.hooks.hooks import Hooks
from toolcell_server.principal import APPROVE, Principal
from toolcell_server.rights import Rights, decide
from toolcell_server.settings.middleware import PLACES
from toolcell_server.settings.rights import _ROLE
from toolcell_server.settings.rules import _RULE
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    import pytest
    from toolcell_server.settings import Settings

PAGES = Path(__file__).parents[2] / "docs" / "governance"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)


def read(folder: Path, page: str) -> Settings:
    path = folder / "toolcell.toml"
    path.write_text("\n".join(blocks(page, "toml")))
    return settings.read(str(path), {})


def test_the_example_of_rights_does_what_the_page_says(tmp_path: Path) -> None:
    """
    Operators copy it.
    """
    found = read(tmp_path, "rights.md").rights
    rights = Rights(found.roles, found.rules, found.anonymous_roles)

    def who(role: str, origin: str = "ipv4:10.0.0.1:5") -> Principal:
        return Principal(name="a", roles=frozenset({role}), origin=origin)

    def tool(name: str, category: str = "") -> Tool:
        return Tool(name=name, bundle="mine", category=category)

    clerk, chief = rights.reach(who("clerk")), rights.reach(who("chief"))
    abroad = rights.reach(who("chief", "ipv4:11.0.0.1:5"))
    pay, files = clerk.rules(tool("pay")), clerk.rules(tool("files_read"))

    assert rights.reach(Principal()).may_call(tool("calculate"))
    assert not clerk.may_call(tool("calculate"))
    assert clerk.may_call(tool("sales", category="reports"))
    assert chief.may_call(tool("run_shell"))
    assert not abroad.may_call(tool("calculate"))
    assert APPROVE in rights.located(who("chief")).scopes
    assert not decide(files, {"path": "/srv/reports/a"}).refused
    assert decide(files, {"path": "/srv/secret"}).refused
    assert decide(pay, {"amount": 5}).route is None
    assert decide(pay, {"amount": 5}).approval == "confirm"
    assert decide(pay, {"amount": 5000}).route


def test_the_page_of_rights_names_every_key() -> None:
    """
    A key that is not in the table is found by nobody.
    """
    page = (PAGES / "rights.md").read_text()

    assert [] == [key for key in _ROLE if f"`roles.{key}`" not in page]
    assert [] == [key for key in _RULE if f"`rules.{key}`" not in page]


def test_the_example_of_hooks_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As the settings of the page load it.
    """
    (tmp_path / "my_hooks.py").write_text("\n".join(blocks("middleware.md", "python")))
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Hooks.of(read(tmp_path, "middleware.md").middleware)
    found.load()
    after, before = found.every
    told = {"tool": "pay", "version": "1"}
    ending = {"outcome": "completed", "message": ""}

    async def scenario() -> None:
        assert (await before.before(told, b'{"amount": 2000}')).veto
        altered = await before.before(told, b'{"amount": 2}')
        assert altered.value == b'{"amount":2,"currency":"EUR"}'
        hidden = await after.after(told, b"{}", ending, b'{"iban": "DE1"}')
        assert hidden.value == b'{"iban":"hidden"}'

    run(scenario())
    found.close()


def test_the_page_of_hooks_names_every_place() -> None:
    """
    And what becomes of a hook that fails there.
    """
    page = (PAGES / "middleware.md").read_text()

    assert [] == [place for place in PLACES if f"| `{place}` |" not in page]


def ours(app: App) -> list[tuple[str, str]]:
    """
    The gates of rights and hooks, in order; there may be others.
    """
    gates = [(type(gate).__name__, getattr(gate, "place", "")) for gate in wiring.gates(app)]
    return [gate for gate in gates if gate[0] in {"HookGate", "RightsGate"}]


def test_what_is_not_switched_on_is_not_there() -> None:
    """
    A call of a server without rules and hooks passes no gate and no layer of theirs.
    """
    app = App(settings.Settings())
    layers, executor = [], wiring.executor(app)
    while hasattr(executor, "base"):
        layers.append(type(executor).__name__)
        executor = executor.base
    app.database.close()

    assert ours(app) == []
    assert "HookedExecutor" not in layers
    assert "LoggedExecutor" in layers


def test_the_stations_stand_in_the_order_of_the_page(tmp_path: Path) -> None:
    """
    Hooks that alter arguments come before the rules that judge them; those that may not, after.
    """
    hooks = "".join(
        f'[[middleware]]\nmodule = "my_hooks:x"\nat = "{place}"\n' for place in reversed(PLACES)
    )
    path = tmp_path / "toolcell.toml"
    path.write_text(f'{hooks}[[rules]]\ntools = ["*"]\nthen = "require_approval"\n')
    app = App(settings.read(str(path), {}))
    app.database.close()

    assert ours(app) == [
        ("HookGate", "before_admission"),
        ("RightsGate", ""),
        ("HookGate", "after_admission"),
    ]
