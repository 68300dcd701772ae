"""
What people fetch with works unchanged in a cell: where it was granted, and nowhere else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb

from egress.bed import GRANTED, OTHER, Bed, made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Result

CLIENTS = Path(__file__).parent / "clients"
TEXT, PAGE, REPOSITORY = "what the repository says", "/page", "/files/repository"
NEVER_GIVEN_OUT = "198.18.0.99"
# Each tool fetches in its own way; what a program is needed for says which.
PYTHON = ("urllib_get", "requests_get", "httpx_get", "httpx_async_get", "aiohttp_get")
PROGRAMS = {"curl_get": "curl", "git_clone": "git", "node_fetch": "node"}

each_client = pytest.mark.parametrize("tool", [*PYTHON, *PROGRAMS])


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    folder.chmod(0o755)
    with made(folder, bundle=CLIENTS) as one:
        one.secure.files = folder / "files"
        if shutil.which("git"):
            make_repository(one.secure.files / "repository")
        yield one


def make_repository(folder: Path) -> None:
    """
    A repository whose files are all that a client needs (the "dumb" protocol).
    """
    (folder / "work").mkdir(parents=True)
    (folder / "work/text").write_text(TEXT)
    who = ("-c", "user.name=tool", "-c", "user.email=tool@cell", "-c", "commit.gpgsign=false")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main", "--separate-git-dir=.", "work"),
        ("-C", "work", "add", "text"),
        ("-C", "work", *who, "commit", "--quiet", "--message=text"),
        ("-C", "work", "update-server-info"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True, timeout=60)


def skip_without(program: str) -> None:
    """
    A developer's machine may lack a program; where everything is proved, it must be there.
    """
    if program and "CI" not in os.environ and not shutil.which(program):
        pytest.skip(f"there is no {program} here")


def fetch(bed: Bed, tool: str, host: str) -> Result:
    """
    The page or the repository of `host` by a call that was granted another.
    """
    skip_without(PROGRAMS.get(tool, ""))
    path = REPOSITORY if tool == "git_clone" else PAGE
    return bed.client.run(tool, {"url": bed.url(), "then": bed.url(path, host)})


def denials(result: Result) -> set[tuple[str, str, str]]:
    """
    What the egress denied.  Sockets that the filter refuses are beside the point: clients try
    several (of nscd, of netlink, of IPv6) to look around, and do without.
    """
    return {
        (each.operation, each.target, each.reason)
        for each in result.denials
        if each.wall != pb.WALL_SECCOMP
    }


@each_client
def test_a_client_reaches_under_its_name_what_was_granted(bed: Bed, tool: str) -> None:
    """
    It resolves the name, connects and checks the certificate by itself.
    """
    result = fetch(bed, tool, GRANTED)

    expected = TEXT if tool == "git_clone" else f"GET {PAGE}"
    assert expected == result.raise_for_outcome().value
    assert [GRANTED] == [contact.host for contact in result.contacts]
    assert set() == denials(result)


@each_client
def test_a_client_does_not_reach_another_name_of_the_same_server(bed: Bed, tool: str) -> None:
    """
    Nor does anybody outside hear of the name: to be asked for it would be a message, too.
    """
    before = bed.secure.connections
    result = fetch(bed, tool, OTHER)

    assert "failed" == result.label
    assert {("resolve", OTHER, "host_not_granted")} == denials(result)
    assert ([], before) == (list(result.contacts), bed.secure.connections)
    assert OTHER not in bed.names.asked


@pytest.mark.parametrize("address", ["127.0.0.1", NEVER_GIVEN_OUT])
@each_client
def test_a_client_does_not_reach_an_address(bed: Bed, tool: str, address: str) -> None:
    """
    The server listens at the first one, but for no cell; the second stands for no name.
    """
    before = bed.secure.connections
    result = fetch(bed, tool, address)

    assert "failed" == result.label
    assert ("connect", f":{bed.secure.port}", "address_unnamed") in denials(result)
    assert ([], before) == (list(result.contacts), bed.secure.connections)


@each_client
def test_no_client_is_told_that_it_has_no_network(bed: Bed, tool: str) -> None:
    """
    Of the sockets that they try, some are refused; a model would give up a network that works.
    """
    result = fetch(bed, tool, OTHER)

    assert "no_network" not in {each.reason for each in result.denials}


@pytest.mark.parametrize("tool", ["python_proxies", "command_proxies"])
def test_no_variable_names_a_proxy(bed: Bed, tool: str) -> None:
    """
    Whoever ignores such variables would not get out, and whoever heeds them would not need us.
    """
    result = bed.client.run(tool, {"url": bed.url(), "then": ""})

    assert "" == result.raise_for_outcome().value


def test_a_resolver_of_its_own_is_answered_as_the_c_library_is(bed: Bed) -> None:
    """
    c-ares opens its sockets and reads /etc/resolv.conf by itself.  No name has an IPv6 address.
    """
    skip_without("node")
    granted = bed.client.run("node_resolve", {"url": bed.url(), "then": bed.url()})
    other = bed.client.run("node_resolve", {"url": bed.url(), "then": bed.url(host=OTHER)})

    assert ("1 0", "failed") == (granted.raise_for_outcome().value, other.label)
    assert {("resolve", OTHER, "host_not_granted")} == denials(other)
    assert OTHER not in bed.names.asked


def test_node_fetches_within_the_default_ceilings_if_it_is_told_to(bed: Bed) -> None:
    """
    Where memory is address space, nothing else than this option makes it reserve less.
    """
    skip_without("node")
    flags = ["node", "-p", "process.allowedNodeEnvironmentFlags.has('--disable-wasm-trap-handler')"]
    if "true" not in subprocess.check_output(flags, text=True, timeout=60):
        pytest.skip("this Node.js is older than the option")
    result = bed.client.run("node_fetch_checking", {"url": bed.url(), "then": bed.url(PAGE)})

    assert f"GET {PAGE}" == result.raise_for_outcome().value
