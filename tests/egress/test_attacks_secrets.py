"""
Attack N15: credentials that the egress adds are seen by the sites that they are for, alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.asking import granted_still_works, reasons
from egress.bed import GRANTED, OTHER, Bed, made
from egress.credentials import CREDENTIALS, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FETCH = """
import os
request = urllib.request.Request("http://{host}{path}", headers={headers})
with urllib.request.urlopen(request, timeout=10) as answer:
    result = [answer.read().decode(), str(answer.headers)]
try:
    result.append(open("/proc/self/environ").read())
except OSError: pass
result += [str(dict(os.environ)), str(globals())]
"""


@pytest.fixture(scope="module", params=["env", "file"])
def keyed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bed]:
    """
    A bed whose operator has a credential.
    """
    folder = tmp_path_factory.mktemp("keyed")
    folder.chmod(0o755)
    secret = folder / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    source = {"env": 'env = "TOOLCELL_TEST_KEY"', "file": f'file = "{secret}"'}[request.param]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOOLCELL_TEST_KEY", SECRET)
        with made(folder, egress=CREDENTIALS.format(source=source)) as one:
            yield one


def _fetch(host: str = GRANTED, path: str = "/keyed", **headers: str) -> dict[str, str]:
    return {"code": FETCH.format(host=host, path=path, headers=headers)}


def test_a_credential_is_added_upstream_and_seen_nowhere_else(keyed: Bed) -> None:
    """
    Not in the cell, nor by the caller, nor by whoever operates the service.
    """
    keyed.secure.seen.clear()
    events = list(keyed.client.execute("run_keyed", _fetch()))
    result = keyed.client.run("run_keyed", _fetch())
    metrics = keyed.server.scrape()
    shown = [str(events), str(result), str(result.value), keyed.server.log.read_text(), metrics]

    assert [f"Key {SECRET}"] * 2 == [seen["X-Api-Key"] for _, _, seen in keyed.secure.seen]
    assert "GET /keyed" == result.raise_for_outcome().value[0]
    assert [] == [text for text in shown if SECRET in text]
    granted_still_works(keyed)


@pytest.mark.parametrize("name", ["X-Api-Key", "x-api-key", "X_Api_Key", "X-API_key"])
def test_a_tool_cannot_put_its_own_in_place_of_a_credential(keyed: Bed, name: str) -> None:
    """
    Or it could speak as somebody else to whom the operator's secret does not belong.
    """
    keyed.secure.seen.clear()
    keyed.client.run("run_keyed", _fetch(**{name: "mine"})).raise_for_outcome()
    [(_, _, seen)] = keyed.secure.seen

    assert [f"Key {SECRET}"] == [
        value for key, value in seen.items() if key.lower().replace("_", "-") == "x-api-key"
    ]


def test_a_tool_cannot_have_a_credential_taken_away_or_sent_elsewhere(keyed: Bed) -> None:
    """
    Connection lists what is dropped; Host and target say where it goes.
    """
    keyed.secure.seen.clear()
    code = f"""
result = []
for host, target in [({GRANTED!r}, "/"), ({OTHER!r}, "/"), ({GRANTED!r}, "http://{OTHER}/")]:
    one = socket.create_connection(({GRANTED!r}, 80), 5)
    lines = [f"GET {{target}} HTTP/1.1", f"Host: {{host}}", "Connection: close, X-Api-Key"]
    one.sendall("\\r\\n".join([*lines, "", ""]).encode())
    result.append(one.recv(4096).decode()[9:12])
"""
    result = keyed.client.run("run_keyed", {"code": code})

    assert ["200", "403", "400"] == result.raise_for_outcome().value
    assert [(f"Key {SECRET}", GRANTED)] == [
        (seen["X-Api-Key"], seen["Host"]) for _, _, seen in keyed.secure.seen
    ]
    granted_still_works(keyed)


def test_a_credential_does_not_follow_a_redirect(keyed: Bed) -> None:
    keyed.secure.seen.clear()
    result = keyed.client.run("run_keyed", _fetch(path=f"/redirect/http://{OTHER}/there"))

    assert ("failed", [GRANTED]) == (
        result.label,
        [seen["Host"] for _, _, seen in keyed.secure.seen],
    )
    assert ("resolve", OTHER, "host_not_granted") in reasons(result)


@pytest.mark.parametrize(("tool", "host"), [("run_misplaced", OTHER), ("run_unknown", GRANTED)])
def test_no_manifest_sends_a_credential_where_the_operator_did_not(
    keyed: Bed, tool: str, host: str
) -> None:
    """
    Whoever writes a manifest must not choose where the operator's secrets go; nor does a request
    go without what its tool asked for.
    """
    before = keyed.secure.connections
    result = keyed.client.run(tool, _fetch(host))

    assert ("failed", before) == (result.label, keyed.secure.connections)
    assert [("request", f"{host}:80", "credential_not_granted")] == reasons(result)
    granted_still_works(keyed)


def test_a_credential_is_not_sent_to_a_site_that_is_not_the_one_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A name that leads elsewhere is noticed by the certificate, before anything is said.
    """
    tmp_path.chmod(0o755)
    monkeypatch.setenv("TOOLCELL_TEST_KEY", SECRET)
    source = 'env = "TOOLCELL_TEST_KEY"'
    with made(
        tmp_path, CREDENTIALS.format(source=source), names_of_secure=("api.evil.test",)
    ) as bed:
        result = bed.client.run("run_keyed", _fetch())

        assert ("failed", 1, []) == (result.label, bed.secure.connections, bed.secure.seen)
        assert "502" in str(result.outcome)
        assert "verdict=failed reason=not_trusted" in bed.server.log.read_text()
        granted_still_works(bed)
