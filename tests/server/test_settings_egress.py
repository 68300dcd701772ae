"""
The section `[egress]`: what is read from where, and that no secret is in any text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from toolcell_server.settings import SettingsError
from toolcell_server.settings.egress import EgressSettings

if TYPE_CHECKING:
    from pathlib import Path

CREDENTIAL = {
    "name": "weather",
    "header": "Authorization",
    "prefix": "Bearer ",
    "env": "WEATHER_KEY",
    "hosts": ["api.example.com"],
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_KEY", "s3cret-s3cret")


def test_without_a_section_the_host_resolves_and_nothing_is_added() -> None:
    """
    As any program of the host does it.
    """
    found = EgressSettings.build({})

    assert ([], "", ()) == (found.servers(), found.ca_file, found.credentials)


def test_name_servers_have_an_address_and_a_port() -> None:
    """
    Tried in this order.
    """
    found = EgressSettings.build({"resolver": ["9.9.9.9:53", "[2620:fe::fe]:5353"]})

    assert [("9.9.9.9", 53), ("2620:fe::fe", 5353)] == found.servers()


@pytest.mark.parametrize("place", ["env", "file"])
def test_a_credential_is_read_from_where_it_lies(place: str, tmp_path: Path) -> None:
    """
    A file may end with a line end, as editors make it; the settings hold a reference only.
    """
    (tmp_path / "key").write_text("s3cret-s3cret\n")
    entry = {key: value for key, value in CREDENTIAL.items() if key != "env"}
    entry[place] = {"env": "WEATHER_KEY", "file": str(tmp_path / "key")}[place]
    [found] = EgressSettings.build({"credentials": [entry]}).credentials

    assert {
        "header": "Authorization",
        "value": "Bearer s3cret-s3cret",
        "hosts": ["api.example.com"],
    } == found.told()
    assert "s3cret" not in repr(found)


def without(*names: str, **other: Any) -> dict[str, Any]:
    kept = {key: value for key, value in CREDENTIAL.items() if key not in names}
    return {"credentials": [{**kept, **other}]}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name server without a port": ({"resolver": ["9.9.9.9"]}, "egress.resolver"),
    "a name server that is a number": ({"resolver": [53]}, "egress.resolver"),
    "one that is no list": ({"resolver": "9.9.9.9:53"}, "egress.resolver"),
    "a name server by its name": ({"resolver": ["dns.example:53"]}, 'resolver = "dns.example:53"'),
    "a name server at no port": ({"resolver": ["9.9.9.9:0"]}, 'resolver = "9.9.9.9:0"'),
    "authorities that are none": ({"ca_file": "/etc/passwd"}, 'passwd": holds no certificate'),
    "authorities that are not there": ({"ca_file": "/nothing.pem"}, "egress.ca_file"),
    "a credential that is no table": ({"credentials": ["key"]}, "egress.credentials[0]"),
    "a misspelt key": (without(host=["a.example"]), "egress.credentials[0].host"),
    "no name": (without("name"), "egress.credentials[0].name"),
    "no header": (without("header"), "egress.credentials[0].header"),
    "no host": (without("hosts"), "egress.credentials[0]"),
    "an address for a host": (without(hosts=["10.0.0.1"]), "egress.credentials[0].hosts[0]"),
    "a URL for a host": (
        without(hosts=["a.example", "https://a.example"]),
        'egress.credentials[0].hosts[1] = "https://a.example": has the character',
    ),
    "a number for a host": (without(hosts=[5]), "egress.credentials[0].hosts[0] = 5: is no text"),
    "a header of the message itself": (without(header="Host"), "egress.credentials[0]"),
    "two places": (without(file="/key"), "either env"),
    "no place": (without("env"), "either env"),
    "a variable that is not set": (without(env="NOT_SET_HERE"), "NOT_SET_HERE"),
    "a file that is not there": (without("env", file="/nothing"), "/nothing"),
    "a value that no header carries": (without(prefix="a\n"), "printable"),
    "a name given twice": ({"credentials": [CREDENTIAL, CREDENTIAL]}, "given twice"),
}


@pytest.mark.parametrize(("section", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_named_and_the_secret_is_not(
    section: dict[str, Any], words: str
) -> None:
    """
    What is said at start ends in a log.
    """
    with pytest.raises(SettingsError) as refused:
        EgressSettings.build(section)

    assert words in str(refused.value)
    assert "s3cret" not in f"{refused.value} {refused.value.__cause__}"
