"""
What docs/governance/caching.md tells operators is so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from toolcell_server import settings
from toolcell_server.metrics import Metrics
from toolcell_server.settings import SettingsError
from toolcell_worker import tool
from toolcell_worker.authoring import definition_of

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[2] / "docs" / "governance" / "caching.md").read_text()


def example(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def read(folder: Path, text: str) -> settings.Settings:
    file = folder / "settings.toml"
    file.write_text(text)
    return settings.read(str(file))


def test_the_example_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, example("toml"))

    assert ["api.example.com"] == [pattern.text for pattern in found.policy.safe_domains]
    assert (2000, 2**27, 600) == (
        found.cache.entries,
        found.cache.bytes,
        found.cache.longest_seconds,
    )
    assert (10, 60, 20, 1) == (
        found.breaker.rules().failures,
        found.breaker.rules().window_seconds,
        found.breaker.rules().open_seconds,
        found.breaker.rules().half_open,
    )


def test_the_table_names_every_setting_and_its_default(tmp_path: Path) -> None:
    found = read(tmp_path, "")
    told = dict(re.findall(r"^\| `((?:cache|breaker)\.\w+)` \| `([^`]+)` \|", PAGE, re.MULTILINE))
    real = {
        f"{section}.{name}": str(getattr(getattr(found, section), name)).lower()
        for section in ("cache", "breaker")
        for name in type(getattr(found, section)).__slots__
    }

    assert {key: value.removesuffix(".0") for key, value in real.items()} == told


def test_the_example_of_a_tool_is_one() -> None:
    names: dict[str, Any] = {"tool": tool}
    body = example("python").replace("...", '\n    """\n    Look up a word.\n    """')
    exec(body, names)
    declared = definition_of(names["look_up"])
    assert declared is not None

    assert (60, "private", "look_up_elsewhere") == (
        declared.manifest["cache_ttl_seconds"],
        declared.manifest["cache_scope"],
        declared.manifest["fallback"],
    )
    assert 3 == declared.manifest["retry"]["attempts"]


def test_every_metric_that_it_names_is_exported() -> None:
    metrics = Metrics()
    exported = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }
    named = re.findall(r"`(toolcell_\w+)", PAGE)

    assert len(named) >= 8
    assert set(named) <= exported


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[cache]\nentries = 0", "cache.entries = 0: is out of range"),
        ('[cache]\nenabled = "yes"', "cache.enabled"),
        ("[cache]\nbytes = 1", "cache.bytes"),
        ("[cache]\nlongest_seconds = nan", "cache.longest_seconds"),
        ("[cache]\nttl = 1", "cache.ttl"),
        ("[breaker]\nfailures = 1", "breaker.failures"),
        ("[breaker]\nwindow_seconds = 0", "breaker.window_seconds"),
        ("[breaker]\nopen_seconds = -1", "breaker.open_seconds"),
        ("[breaker]\nhalf_open = 1.5", "breaker.half_open"),
        ('[policy]\nsafe_domains = ["*"]', "policy.safe_domains[0]"),
        ('[policy]\nsafe_domains = "a.example"', "policy.safe_domains"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)) as wrong:
        read(tmp_path, text)

    assert wrong.value.remedy


MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "a cache for what writes": ({"effects": "writes", "cache_ttl_seconds": 5}, "cache_ttl_seconds"),
    "a scope without a cache": ({"cache_scope": "public"}, "cache_scope"),
    "retries of what writes": ({"effects": "writes", "retry": {"attempts": 2}}, "retry.attempts"),
    "retries after nothing": ({"retry": {"attempts": 2, "on": []}}, "retry.on"),
    "too many attempts": ({"retry": {"attempts": 11}}, "attempts"),
    "a wait that shrinks": ({"retry": {"multiplier": 0.5}}, "multiplier"),
    "a first wait above the longest": ({"retry": {"initial_seconds": 9}}, "initial_seconds"),
    "an unknown key of retry": ({"retry": {"tries": 2}}, "tries"),
    "a fallback to itself": ({"fallback": "t@2"}, "fallback"),
    "a fallback that is no name": ({"fallback": "a b"}, "fallback"),
}


@pytest.mark.parametrize(("fields", "says"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_wrong_manifest_is_a_broken_tool(
    broken: Callable[[dict[str, Any]], str], fields: dict[str, Any], says: str
) -> None:
    """
    Even one that was forged: the server reads it again.
    """
    assert says in broken(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"cache_ttl_seconds": 5, "cache_scope": "public"},
        {"retry": {"attempts": 10}, "fallback": "other@1.2"},
        {"effects": "writes", "idempotent": True, "retry": {"attempts": 2}},
    ],
)
def test_a_right_manifest_is_none(
    broken: Callable[[dict[str, Any]], str], fields: dict[str, Any]
) -> None:
    assert "" == broken(fields)


@pytest.fixture
def broken() -> Callable[[dict[str, Any]], str]:
    """
    Why a tool with these fields does not load.
    """
    from toolcell_server.limits import Limits
    from toolcell_server.registry import Registry

    def reason(fields: dict[str, Any]) -> str:
        registry = Registry(Limits(), Limits())
        base = {"name": "t", "description": "A tool.", "parameters": {"type": "object"}}
        registry.replace("b", {"tools": [{**base, "effects": "read_only", **fields}]})
        return registry.find("t").broken_reason

    return reason
