"""
Audit logs for tests, written by the real thing, and looked at from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from typing import TYPE_CHECKING, Any

from toolcell_server.audit import checkpoints, reading, signing
from toolcell_server.audit import folder as folders
from toolcell_server.audit.log import AuditLog
from toolcell_server.audit.verifying import Verification
from toolcell_server.metrics import Metrics
from toolcell_server.settings.audit import AuditSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def keys(folder: Path, name: str = "key") -> signing.Signer:
    """
    A new pair of keys in that folder, `NAME.pem` and `NAME.pub`.
    """
    signing.generate(folder / f"{name}.pem", folder / f"{name}.pub")
    return signing.Signer.from_pem((folder / f"{name}.pem").read_bytes())


def log(folder: Path, **settings: Any) -> AuditLog:
    return AuditLog(AuditSettings(**settings), folder, Metrics().audit)


def during(one: AuditLog, act: Callable[[], object] = lambda: None) -> None:
    """
    Start a log, act, and end it in good order.
    """

    async def whole() -> None:
        one.start()
        act()
        await one.aclose()

    asyncio.run(whole())


def write(folder: Path, records: int = 20, **settings: Any) -> None:
    """
    Append that many records to the log of a folder, each written by itself.
    """
    one = log(folder, **settings)

    def act() -> None:
        for number in range(records):
            one.append("test.happened", {"number": number, "text": "x" * 50})
            one.flush()

    during(one, act)


def crash(folder: Path, records: int = 5, **settings: Any) -> None:
    """
    Append that many records, and end as a process that is killed.
    """
    one = log(folder, **settings)

    async def whole() -> None:
        one.start()
        for number in range(records):
            one.append("test.happened", {"number": number})
        one.flush()
        one._writing.files.close()
        for timer in one._writing._timers.values():
            timer.cancel()
        one._release()

    asyncio.run(whole())


def complaints(folder: Path, *signers: signing.Signer, checkpoint: Path | None = None) -> list[str]:
    """
    What a verification says is wrong.
    """
    copy = checkpoints.read(checkpoint.read_bytes()) if checkpoint else None
    verification = Verification(keys=[one.public for one in signers], copy=copy)
    reading.verify(folders.files(folder), verification)
    return [str(complaint) for complaint in verification.complaints]


def records(folder: Path, kind: str = "") -> list[dict[str, Any]]:
    """
    The envelopes in a folder, in order, of all types or one.
    """
    lines = [line for file in folders.files(folder) for line in file.read_bytes().splitlines()]
    found = [json.loads(line) for line in lines]
    return [one for one in found if not kind or one["type"] == f"toolcell.{kind}"]


def rewritten(
    folder: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], sign: Any = None
) -> None:
    """
    Write the one file of a log anew, as who has the file and not the key: records changed, numbers
    and hashes made to fit, checkpoints (unsigned, or by another key) too.
    """
    from toolcell_server.audit.chain import Chain

    envelopes = change(records(folder))
    chain = Chain(envelopes[0]["source"].removeprefix("urn:toolcell:audit:"))
    lines = []
    for one in envelopes:
        data = one["data"]
        if one["type"] == "toolcell.audit.checkpoint":
            old = data["checkpoint"]
            made = checkpoints.Checkpoint.made(
                chain.source, chain.sequence, chain.hash, old["time"], sign
            ).to_json()
            kept = {name: old[name] for name in ("algorithm", "key", "signature")}
            data = {**data, "checkpoint": made if sign else {**made, **kept}}
        kind = one["type"].removeprefix("toolcell.")
        lines.append(chain.next(kind, data, 1_700_000_000 * 10**9, one.get("subject", "")))
    (file,) = folders.files(folder)
    file.write_bytes(b"".join(lines))


@contextlib.contextmanager
def full_at(size: int) -> Iterator[None]:
    """
    No file grows beyond that size: a disk that is full takes the first part of a write, too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
