"""
A database that fails: whoever needs it is told what cannot be done, and the operator why.
"""

from __future__ import annotations

import pytest
from toolcell_server import database, refusals
from toolcell_server.storing import storing


def test_a_caller_learns_what_cannot_be_done_and_the_log_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = pytest.raises(refusals.StoreFailed, match="keep sessions")
    with failing as refused, storing("keep sessions"):
        raise database.StoreFailed("the disk is full")
    [record] = caplog.records

    assert "the disk is full" not in str(refused.value)
    assert {"error": "the disk is full", "purpose": "keep sessions"} == record.__dict__["fields"]


def test_what_is_no_fault_of_the_database_is_nobodys_refusal() -> None:
    with pytest.raises(ZeroDivisionError), storing("keep sessions"):
        raise ZeroDivisionError
