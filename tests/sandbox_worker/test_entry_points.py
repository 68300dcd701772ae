"""
Tools of installed packages: those that the operator allows, and no other is even imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from loading_bundles import write
from toolcell_worker import Context
from toolcell_worker.bundle import BundleSpec, Catalogue, load
from toolcell_worker.entry_points import Allowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("clean_imports")

TOOL = '''
    from toolcell_worker import tool

    @tool
    def {name}(word: str) -> str:
        """Does."""
        return "{name} " + word
'''
PLAIN = """
    def plain(): return "plain"
    plain.tool_definition = {"name": "plain", "description": "Does."}
    number = 3
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Two distributions with entry points: as pip leaves them.
    """
    write(
        tmp_path,
        {
            "acme_search/__init__.py": "from acme_search.inner import search\n",
            "acme_search/inner.py": TOOL.format(name="search"),
            "acme_search/extra.py": PLAIN,
            "other_tools.py": TOOL.format(name="other"),
            "fails.py": "raise RuntimeError('no')\n",
        },
    )
    distribution(
        tmp_path,
        "Acme.Search",
        "search = acme_search\nplain = acme_search.extra:plain\n"
        "number = acme_search.extra:number\ngone = acme_search.extra:gone\n",
    )
    distribution(tmp_path, "other_tools", "other = other_tools\nfails = fails\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def distribution(folder: Path, name: str, points: str) -> None:
    info, version = f"{name}-1.0.dist-info", "Metadata-Version: 2.1\nVersion: 1.0"
    files = {"METADATA": f"{version}\nName: {name}\n", "entry_points.txt": "[toolcell.tools]\n"}
    files["entry_points.txt"] += points
    write(folder, {f"{info}/{file}": text for file, text in files.items()})


def loaded(*names: str, distributions: tuple[str, ...] = ()) -> Catalogue:
    told: dict[str, Any] = {"names": names, "distributions": distributions}
    return load(BundleSpec(name="mine", allowed=Allowed.parse(told)))


@pytest.mark.usefixtures("installed")
def test_the_tools_of_an_allowed_entry_point_can_be_called() -> None:
    """
    A package shows tools of its inner modules as its own.
    """
    catalogue = loaded("search")

    assert [] == catalogue.broken
    assert "search x" == catalogue.tools["search", "1"].call({"word": "x"}, Context())


@pytest.mark.usefixtures("installed")
def test_nothing_else_is_imported() -> None:
    """
    To import a package is to run it.
    """
    loaded("search")

    assert "acme_search" in sys.modules
    assert not {"acme_search.extra", "other_tools", "fails"} & set(sys.modules)


@pytest.mark.usefixtures("installed")
def test_a_distribution_is_allowed_by_any_spelling_of_its_name() -> None:
    """
    acme-search, as people install it.
    """
    catalogue = loaded(distributions=("acme-search",))

    assert {("search", "1"), ("plain", "1")} == set(catalogue.tools)
    assert "other_tools" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_an_entry_point_of_another_distribution_is_not_the_one_that_was_allowed() -> None:
    """
    Names of entry points are free to take: whoever comes with some dependency may take `search`.
    """
    catalogue = loaded("other", distributions=("acme-search",))

    assert {} == catalogue.tools
    assert ["no allowed package has an entry point 'other' of the group toolcell.tools"] == [
        one["reason"] for one in catalogue.broken if one["name"] == "other"
    ]
    assert "other_tools" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_what_is_wrong_with_one_is_a_sentence_and_the_others_load() -> None:
    """
    As with files of a folder.
    """
    catalogue = loaded()
    reasons = {one["name"]: one["reason"] for one in catalogue.broken}

    assert {("search", "1"), ("plain", "1"), ("other", "1")} == set(catalogue.tools)
    assert "it has neither @tool nor a tool_definition" in reasons["number"]
    assert "the module has no gone" in reasons["gone"]
    assert "RuntimeError: no" in reasons["fails"]


@pytest.mark.usefixtures("installed")
def test_a_distribution_that_is_not_there_is_named() -> None:
    """
    A typing error is not an empty bundle.
    """
    broken = loaded(distributions=("acme-serch",)).broken

    assert [("acme-serch", True)] == [
        (o["name"], "is not installed" in o["reason"]) for o in broken
    ]
