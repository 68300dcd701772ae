"""
Where policy only reports: credentials go to nothing that would have been denied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.asking import ASK, goes_on_reporting, hosts, reported
from egress.bed import GRANTED, OTHER, Bed, made
from egress.credentials import CREDENTIALS, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """
    A bed that reports, whose operator has a credential.
    """
    folder = tmp_path_factory.mktemp("keyed")
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOOLCELL_TEST_KEY", SECRET)
        egress = CREDENTIALS.format(source='env = "TOOLCELL_TEST_KEY"')
        with made(folder, egress, policy="domains_report_only = true") as one:
            yield one


def test_a_credential_goes_to_nothing_that_would_have_been_denied(keyed: Bed) -> None:
    """
    Nor does such a request go without: a method, a Host, a host that the operator did not name.
    """
    keyed.secure.seen.clear()
    before = keyed.secure.connections
    asked = [
        (GRANTED, 80, "POST", GRANTED),
        (GRANTED, 80, "GET", OTHER),
        (GRANTED, 80, "GET", GRANTED),
    ]
    result = keyed.client.run("run_narrow", {"code": ASK.format(asked=asked)})
    misplaced = keyed.client.run(
        "run_misplaced", {"code": ASK.format(asked=[(OTHER, 80, "GET", OTHER)])}
    )

    assert ([403, 403, 200], [403]) == (
        result.raise_for_outcome().value,
        misplaced.raise_for_outcome().value,
    )
    assert [("GET", f"Key {SECRET}", GRANTED)] == [
        (method, seen["X-Api-Key"], seen["Host"]) for method, _, seen in keyed.secure.seen
    ]
    assert before + 1 == keyed.secure.connections
    assert (set(), set()) == (reported(result), reported(misplaced))
    goes_on_reporting(keyed)


def test_a_host_that_is_only_reported_gets_no_credential(keyed: Bed) -> None:
    """
    The oracle is the site: it sees every header that reaches it.
    """
    keyed.plain.seen.clear()
    port = keyed.plain.port
    asked = [(GRANTED, port, "GET", f"{GRANTED}:{port}"), (OTHER, port, "GET", f"{OTHER}:{port}")]
    result = keyed.client.run("run_narrow", {"code": ASK.format(asked=asked)})

    assert [200, 200] == result.raise_for_outcome().value
    assert [f"{GRANTED}:{port}", f"{OTHER}:{port}"] == hosts(keyed.plain)
    assert [] == [seen for _, _, seen in keyed.plain.seen if SECRET in str(seen)]
