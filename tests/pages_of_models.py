"""
Runs the Python of a page as programs, with a service and the local provider server.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from toolcell_client.testing.providers import ProviderServer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_client.testing.providers.turns import Step

DOCS = Path(__file__).parents[1] / "docs" / "orchestrators"


def programs(page: str) -> list[str]:
    """
    The Python blocks of a page.
    """
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def printed(program: str, target: str, steps: Iterable[Step]) -> str:
    """
    What a program prints, whose model says these steps.
    """
    with ProviderServer() as server:
        server.script(steps)
        environment = {
            **os.environ,
            "TOOLCELL_TARGET": target,
            "OPENAI_BASE_URL": server.openai_base_url,
            "OPENAI_API_KEY": "any",
        }
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert server.unplayed == 0
    return ran.stdout
