"""
The policy: checked when it is built, and honest about links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.policy import KERNEL_PATHS, Policy, Root

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_set_allows_no_path_and_denies_the_kernels() -> None:
    """
    Secure by default: files are opened by the operator, never by omission.
    """
    policy = Policy.from_settings({})

    assert policy.roots == ()
    assert policy.denied_paths == KERNEL_PATHS
    assert policy.minimum_isolation == pb.ISOLATION_LEVEL_STRONG
    assert (policy.filesystem, policy.commands, policy.network) == (True, True, True)
    assert not policy.domains_report_only


def test_every_setting_arrives() -> None:
    """
    A switch that is read and dropped is worse than none.
    """
    policy = Policy.from_settings(
        {
            "roots": [{"path": "/", "access": "write"}],
            "denied_domains": ["example.org"],
            "filesystem": False,
            "commands": False,
            "network": False,
            "domains_report_only": False,
            "minimum_isolation": "full",
            "tools_disabled": ["run_shell"],
        }
    )

    assert policy.roots == (Root("/", "/", writable=True),)
    assert [pattern.text for pattern in policy.denied_domains] == ["example.org"]
    assert (policy.filesystem, policy.commands, policy.network) == (False, False, False)
    assert policy.minimum_isolation == pb.ISOLATION_LEVEL_FULL
    assert policy.tools_disabled == {"run_shell"}


def test_what_allowlists_deny_can_be_reported_only() -> None:
    assert Policy.from_settings({"domains_report_only": True}).domains_report_only


def test_links_are_followed_once_when_the_policy_is_built(tmp_path: Path) -> None:
    """
    The keeper follows no link; an operator's root may be one, and a denied path behind it too.
    """
    real = tmp_path / "real"
    (real / "secret").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(real)

    policy = Policy.from_settings(
        {"roots": [{"path": str(link)}], "denied_paths": [str(link / "secret")]}
    )

    assert policy.roots == (Root(str(link), str(real)),)
    assert str(link / "secret") in policy.denied_paths
    assert str(real / "secret") in policy.denied_paths


def test_the_innermost_root_decides() -> None:
    """
    Whoever opens /data for reading and /data/out for writing means both.
    """
    outer, inner = Root("/data", "/data"), Root("/data/out", "/data/out", writable=True)
    policy = Policy(roots=(inner, outer))

    assert policy.root_of("/data/out/a") is inner
    assert policy.root_of("/data/out") is inner
    assert policy.root_of("/data/outer") is outer
    assert policy.root_of("/dat") is None


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"root": []}, "policy.root is unknown; use commands"),
    "roots that are one text": ({"roots": "/data"}, "policy.roots must be a list"),
    "a root that is a text": ({"roots": ["/data"]}, "policy.roots\\[0\\] must be"),
    "a root without a path": ({"roots": [{"access": "read"}]}, "policy.roots\\[0\\]"),
    "a root with an unknown key": (
        {"roots": [{"path": "/a", "mode": "rw"}]},
        "policy.roots\\[0\\]",
    ),
    "a root with an unknown access": ({"roots": [{"path": "/a", "access": "rw"}]}, "access"),
    "a relative root": ({"roots": [{"path": "data"}]}, "roots\\[0\\].path: 'data' is not absolute"),
    "a root that climbs": ({"roots": [{"path": "/a/../b"}]}, "a part . or .."),
    "a root twice": ({"roots": [{"path": "/a"}, {"path": "/a/"}]}, "names /a twice"),
    "a relative denied path": ({"denied_paths": ["secret"]}, "denied_paths: 'secret'"),
    "denied paths that are one text": ({"denied_paths": "/a"}, "denied_paths must be a list"),
    "a switch that is a text": ({"network": "off"}, "policy.network must be true or false"),
    "reporting that is a text": (
        {"domains_report_only": "yes"},
        "policy.domains_report_only must be true or false, not 'yes'",
    ),
    "every wall, and one that reports only": (
        {"domains_report_only": True, "minimum_isolation": "full"},
        'policy.domains_report_only is true, and policy.minimum_isolation = "full" .* write false',
    ),
    "a denied domain that is a URL": (
        {"denied_domains": ["evil.example", "http://evil.example"]},
        "policy.denied_domains\\[1\\]: 'http://evil.example' has the character ':'",
    ),
    "a denied domain of a top label": (
        {"denied_domains": ["*.com"]},
        "policy.denied_domains\\[0\\]: '\\*.com' covers all of com; name the domain",
    ),
    "networks that are one text": ({"private_networks": "10.0.0.0/8"}, "must be a list of texts"),
    "a network that is a name": (
        {"private_networks": ["10.0.0.0/8", "example.com"]},
        "policy.private_networks\\[1\\]: 'example.com' is no network; write it as 10.1.0.0/16",
    ),
    "a network with an address in it": (
        {"private_networks": ["10.0.0.1/8"]},
        "'10.0.0.1/8' is .* write the network as 10.0.0.0/8, or one address as 10.0.0.1",
    ),
    "no level": ({"minimum_isolation": "high"}, "must be one of basic, strong, full"),
    "a level that is no text": ({"minimum_isolation": 3}, "must be one of basic, strong, full"),
}


@pytest.mark.parametrize(("section", "reason"), BAD.values(), ids=BAD)
def test_a_bad_setting_is_refused_by_its_key(section: dict[str, Any], reason: str) -> None:
    """
    The service does not start on half a policy, and says which line to mend.
    """
    with pytest.raises(ValueError, match=reason):
        Policy.from_settings(section)
