"""
The frame in which a cell is told whom it serves.
"""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toolcell_worker.wire import Call

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
CALLS = st.builds(
    Call,
    deadline=st.floats(allow_nan=False),
    tool=TEXTS,
    version=TEXTS,
    execution_id=TEXTS,
    call_id=TEXTS,
    arguments=st.binary(max_size=300),
)


@given(CALLS)
def test_a_call_comes_out_as_it_went_in(call: Call) -> None:
    assert call == Call.unpack(call.pack())


@given(CALLS, st.data())
def test_a_call_that_is_cut_off_is_none(call: Call, data: st.DataObject) -> None:
    """
    What is left of it would be a call of another tool, or with another's arguments.
    """
    packed = call.pack()
    needed = len(packed) - len(call.arguments)
    cut = data.draw(st.integers(0, needed - 1))

    with pytest.raises(ValueError, match=r"cut off|decode"):
        Call.unpack(packed[:cut])


@given(st.binary(max_size=300))
def test_any_bytes_are_a_call_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        call = Call.unpack(data)

        assert data.endswith(call.arguments)
        assert math.isnan(call.deadline) or data == call.pack()
