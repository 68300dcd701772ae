"""
The tools of the battery's bundle that reach hosts: any attack, and something harmless.
"""

from __future__ import annotations

import os
import urllib.request
from typing import Any

from toolcell_worker import tool
from toolcell_worker.battery.tool import marked

# Whoever starts the bundle says where the battery's sites are.
PLAIN_PORT = int(os.environ.get("TOOLCELL_BATTERY_PLAIN_PORT", "80"))
SECURE_PORT = int(os.environ.get("TOOLCELL_BATTERY_SECURE_PORT", "443"))
KEY = {"credential": "battery", "upstream_port": SECURE_PORT}


@tool(effects="destructive", domains=["{domains}"])
def attempt_abroad(attack: str, plan: dict[str, Any], marker: str, domains: list[str]) -> Any:
    """
    Run hostile code that may reach the hosts of some URLs.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
        domains: URLs.
    """
    del domains  # they are granted by the manifest
    return marked(attack, plan, marker)


@tool(effects="destructive", profile="subprocess", domains=["{domains}"])
def attempt_abroad_with_programs(
    attack: str, plan: dict[str, Any], marker: str, domains: list[str]
) -> Any:
    """
    Run hostile code that may fork and start programs, and reach the hosts of some URLs.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
        domains: URLs.
    """
    del domains  # they are granted by the manifest
    return marked(attack, plan, marker)


@tool(effects="destructive", domains=[f"http://*.below.battery.test:{PLAIN_PORT}"])
def attempt_below(attack: str, plan: dict[str, Any], marker: str) -> Any:
    """
    Run hostile code that may reach whatever is below a name.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
    """
    return marked(attack, plan, marker)


@tool(
    effects="destructive",
    domains=[
        {"domain": f"http://keyed.battery.test:{PLAIN_PORT}", **KEY},
        {"domain": f"http://misplaced.battery.test:{PLAIN_PORT}", **KEY},
        f"http://api.battery.test:{PLAIN_PORT}",
    ],
)
def attempt_with_credential(attack: str, plan: dict[str, Any], marker: str) -> Any:
    """
    Run hostile code whose requests get a credential, to hosts of which one is not its own.

    Args:
        attack: Its module and function.
        plan: What it is told.
        marker: The name that its process gets.
    """
    return marked(attack, plan, marker)


@tool(effects="writes", domains=["{url}"])
def reach(url: str) -> str:
    """
    Get a page: the harmless call that shows that the way out is still open.

    Args:
        url: Its URL.
    """
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
