"""
Tools that reach for hosts, by the standard library alone.
"""

import os
import socket
import ssl
import subprocess
import sys
import urllib.request
from typing import Any

from toolcell_worker import tool

PLAIN = f"http://plain.example.test:{os.environ['PLAIN_PORT']}"
UPSTREAM = {"credential": "key", "upstream_port": int(os.environ["SECURE_PORT"])}


@tool(domains=["{url}"])
def fetch(url: str, then: str = "") -> str:
    """
    Fetch a page, then another.

    Args:
        url: What is granted.
        then: What is fetched instead, if anything.
    """
    with urllib.request.urlopen(then or url, timeout=10) as answer:
        return str(answer.read().decode())


@tool(domains=["{domains}"])
def run_code(code: str, domains: list[str] | None = None) -> Any:
    """
    Run code that may reach the hosts of some URLs.

    Args:
        code: The code; `result` in it is the result.
        domains: URLs.
    """
    return _ran(code)


@tool(domains=["{domains}"], profile="subprocess")
def run_program(code: str, domains: list[str] | None = None) -> str:
    """
    Run code as a program of its own that may reach the hosts of some URLs.

    Args:
        code: The code; what it prints is the result.
        domains: URLs.
    """
    program = [sys.executable, "-c", code]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


@tool
def run_alone(code: str) -> Any:
    """
    Run code that may reach nobody.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(domains=[f"tls://*.example.test:{os.environ['SECURE_PORT']}"])
def run_below(code: str) -> Any:
    """
    Run code that may reach whatever is below a name.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(domains=[f"tcp://*.example.test:{os.environ['SECURE_PORT']}"])
def run_raw(code: str) -> Any:
    """
    Run code whose connections are not looked into.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(domains=[{"domain": "http://api.example.test", **UPSTREAM}])
def run_keyed(code: str) -> Any:
    """
    Run code whose requests get a credential.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(
    domains=[
        {"domain": PLAIN, "methods": ["GET"], "path_prefixes": ["/v1"]},
        {"domain": "http://api.example.test", **UPSTREAM, "methods": ["GET"]},
    ]
)
def run_narrow(code: str) -> Any:
    """
    Run code whose requests may do little.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(domains=[{"domain": "http://other.example.test", **UPSTREAM}])
def run_misplaced(code: str) -> Any:
    """
    Run code whose requests ask for a credential that is not for their host.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


@tool(domains=[{"domain": "http://api.example.test", **UPSTREAM, "credential": "nobodys"}])
def run_unknown(code: str) -> Any:
    """
    Run code whose requests ask for a credential that there is not.

    Args:
        code: The code; `result` in it is the result.
    """
    return _ran(code)


def _ran(code: str) -> Any:
    names: dict[str, Any] = {"socket": socket, "ssl": ssl, "urllib": urllib}
    exec(code, names)
    return names.get("result")
