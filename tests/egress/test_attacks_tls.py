"""
Attack N7: connections that say another name than the one they were let through for, or none.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from egress.asking import granted_still_works, reasons
from egress.bed import GRANTED
from egress.saying import HANDSHAKE, RIGHT, SAY, UNCLEAR

if TYPE_CHECKING:
    from egress.bed import Bed


@pytest.mark.parametrize("step", [65536, 1], ids=["at once", "byte by byte"])
def test_a_hello_with_the_granted_name_is_answered(bed: Bed, step: int) -> None:
    """
    The control of what follows; TCP knows no messages, so pieces change nothing.
    """
    result = bed.client.run(
        "run_code",
        {
            "code": SAY.format(
                said=RIGHT, host=GRANTED, port=bed.secure.port, step=step, then="pass"
            ),
            "domains": [bed.url()],
        },
    )

    assert HANDSHAKE == result.raise_for_outcome().value


@pytest.mark.parametrize("step", [65536, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(("said", "reason"), UNCLEAR.values(), ids=UNCLEAR)
def test_a_connection_that_does_not_say_the_granted_name_reaches_nobody(
    bed: Bed, said: bytes, reason: str, step: int
) -> None:
    """
    The name that was looked up is free to choose for whoever shares an address with it.
    """
    before = bed.secure.connections
    with socket.create_connection(("127.0.0.1", bed.secure.port), 5) as outside:
        outside.sendall(said)
    code = SAY.format(said=said, host=GRANTED, port=bed.secure.port, step=step, then="pass")
    result = bed.client.run("run_code", {"code": code, "domains": [bed.url()]})
    granted = bed.client.run("fetch", {"url": bed.url("/after")})

    assert HANDSHAKE != result.raise_for_outcome().value
    assert [("connect", f"{GRANTED}:{bed.secure.port}", reason)] == reasons(result)
    assert ("GET /after", before + 2) == (granted.value, bed.secure.connections)


@pytest.mark.parametrize("said", [b"", RIGHT[:3], RIGHT[:-1]], ids=["nothing", "some", "most"])
def test_half_a_hello_reaches_nobody(bed: Bed, said: bytes) -> None:
    """
    Nobody is dialled before the whole of it was read.
    """
    before = bed.secure.connections
    then = "one.shutdown(socket.SHUT_WR)"
    code = SAY.format(said=said, host=GRANTED, port=bed.secure.port, step=65536, then=then)
    result = bed.client.run("run_code", {"code": code, "domains": [bed.url()]})

    assert before == bed.secure.connections
    assert [("connect", f"{GRANTED}:{bed.secure.port}", "malformed")] == reasons(result)
    granted_still_works(bed)
