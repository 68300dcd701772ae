"""
Ways to fetch a page in Python.  Nothing here knows of cells: each is the library's first example.
"""

import os
import urllib.request

import aiohttp
import httpx
import requests
from toolcell_worker import tool

SECONDS = 10  # arbitrary; what was granted answers at once


@tool(domains=["{url}"])
def urllib_get(url: str, then: str) -> str:
    """
    Fetch a page by urllib.

    Args:
        url: What is granted.
        then: What is fetched.
    """
    with urllib.request.urlopen(then, timeout=SECONDS) as answer:
        return str(answer.read().decode())


@tool(domains=["{url}"])
def requests_get(url: str, then: str) -> str:
    """
    Fetch a page by requests.

    Args:
        url: What is granted.
        then: What is fetched.
    """
    answer = requests.get(then, timeout=SECONDS)
    answer.raise_for_status()
    return str(answer.text)


@tool(domains=["{url}"])
def httpx_get(url: str, then: str) -> str:
    """
    Fetch a page by httpx.

    Args:
        url: What is granted.
        then: What is fetched.
    """
    return httpx.get(then, timeout=SECONDS).raise_for_status().text


@tool(domains=["{url}"])
async def httpx_async_get(url: str, then: str) -> str:
    """
    Fetch a page by httpx in an event loop.

    Args:
        url: What is granted.
        then: What is fetched.
    """
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        return (await client.get(then)).raise_for_status().text


@tool(domains=["{url}"])
async def aiohttp_get(url: str, then: str) -> str:
    """
    Fetch a page by aiohttp.

    Args:
        url: What is granted.
        then: What is fetched.
    """
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(raise_for_status=True, timeout=timeout) as session,
        session.get(then) as answer,
    ):
        return await answer.text()


@tool(domains=["{url}"])
def python_proxies(url: str, then: str) -> str:
    """
    List the variables that name a proxy, as a tool sees them.

    Args:
        url: What is granted.
        then: Ignored.
    """
    return " ".join(sorted(name for name in os.environ if name.lower().endswith("_proxy")))
