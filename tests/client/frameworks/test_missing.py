"""
Who has not installed a framework is told what to install, and who needs none of them loads none.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = {
    "langchain": ("langchain_core", "langchain"),
    "langgraph_interrupts": ("langchain_core", "langchain"),
    "openai_agents": ("agents", "openai-agents"),
    "pydantic_ai": ("pydantic_ai", "pydantic-ai"),
}


def python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize("module", EXTRAS)
def test_a_missing_framework_is_named_with_its_extra(module: str) -> None:
    package, extra = EXTRAS[module]
    done = python(
        f"import sys; sys.modules[{package!r}] = None; import toolcell_client.frameworks.{module}"
    )
    assert done.returncode == 1
    assert f"pip install 'toolcell[{extra}]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("module", EXTRAS)
def test_another_package_of_that_name_is_no_framework(module: str) -> None:
    """
    `agents` is a word that other packages use, too.
    """
    package, extra = EXTRAS[module]
    done = python(
        f"import sys, types; sys.modules[{package!r}] = types.ModuleType({package!r});"
        f"import toolcell_client.frameworks.{module}"
    )
    assert done.returncode == 1
    assert f"pip install 'toolcell[{extra}]'" in done.stderr.splitlines()[-1]


def test_the_parts_that_they_share_load_no_framework() -> None:
    done = python(
        "import sys, toolcell_client, toolcell_client.frameworks.offering;"
        "print(sorted({'langchain_core', 'langgraph', 'agents', 'pydantic_ai'} & set(sys.modules)))"
    )
    assert done.stdout == "[]\n", done.stderr


def test_langchain_alone_is_enough() -> None:
    """
    Only who has a graph has LangGraph.
    """
    done = python(
        "import sys; sys.modules['langgraph'] = None; import toolcell_client.frameworks.langchain"
    )
    assert done.returncode == 0, done.stderr
