"""
Settings that no service starts with, and what of its complaint a test looks for.  `{0}` is a folder
that is there.
"""

from __future__ import annotations

import pytest

UNUSABLE = (
    pytest.param("[server\n", ("line 1, column 8", "not TOML"), id="no TOML"),
    pytest.param("a = " + "[" * 100_000, ("nested too deeply",), id="100,000 brackets"),
    pytest.param('[server]\nlissten = "127.0.0.1:1"', ("server.lissten", "mean listen?"), id="key"),
    pytest.param('[sever]\nlisten = "127.0.0.1:1"', ("sever", "mean server?"), id="a section"),
    pytest.param("[server]\nlisten = 50051", ("server.listen = 50051", "quotes"), id="no text"),
    pytest.param(
        '[server]\nqueue = "many"', ('server.queue = "many"', "0 to 65536"), id="no number"
    ),
    pytest.param("[server]\nqueue = true", ("server.queue = true",), id="true for a number"),
    pytest.param(
        '[server]\nreflection = "yes"', ("server.reflection", "true or false"), id="no switch"
    ),
    pytest.param('[policy]\nfilesystem = "off"', ("policy.filesystem",), id="a switch in quotes"),
    pytest.param('[policy]\nminimum_isolation = ["full"]', ("basic, strong",), id="a list"),
    pytest.param("[limits.defaults]\nwall_seconds = nan", ("wall_seconds", "nan"), id="NaN"),
    pytest.param(
        "[limits.defaults]\nwall_seconds = 999",
        ("limits.defaults.wall_seconds = 999", "ceiling 300", "raise limits.ceilings"),
        id="a default above its ceiling",
    ),
    pytest.param(
        '[server]\nlisten = "0.0.0.0:50051"',
        ('server.listen = "0.0.0.0:50051"', "not a loopback", "127.0.0.1:50051"),
        id="every network of the host",
    ),
    pytest.param('[server]\nlisten = "[::]:1"', ("not a loopback",), id="every network, IPv6"),
    pytest.param(
        '[server]\nmetrics_listen = "0.0.0.0:1"',
        ("server.metrics_listen",),
        id="metrics for all",
    ),
    pytest.param('[server]\nlisten = "127.0.0.1"', ("host:port",), id="an address with no port"),
    pytest.param(
        '[[bundles]]\nname = "mine"\npath = "{0}/none"',
        ("bundles.mine.path", "{0}/none", "does not exist", "create"),
        id="a bundle that is not there",
    ),
    pytest.param(
        '[[bundles]]\nname = "mine"\npath = "tools"', ("not an absolute path",), id="relative"
    ),
    pytest.param(
        '[[bundles]]\nname = "mine"\npath = "{0}"\npython = "{0}/bin/python"',
        ("bundles.mine.python", "{0}/bin/python", "does not exist", "interpreter"),
        id="an interpreter that is not there",
    ),
    pytest.param(
        '[[bundles]]\nname = "mine"\npath = "{0}"\npython = "{0}/settings.toml"',
        ("bundles.mine.python", "not an executable file"),
        id="an interpreter that is none",
    ),
    pytest.param('[[bundles]]\nname = "mine"', ("bundles.mine", "path or a package"), id="empty"),
    pytest.param(
        '[policy]\nroots = [{{ path = "{0}/none" }}]',
        ("policy.roots[0].path", "{0}/none", "does not exist"),
        id="a root that is not there",
    ),
    pytest.param(
        '[policy]\nroots = [{{ path = "{0}", access = "rw" }}]',
        ("policy.roots[0].access", "'rw'", '"read" or "write"'),
        id="an unknown access",
    ),
)
