"""
`python -m toolcell_server audit verify | search | keygen`: the log, for whoever must rely on it.

Exit codes: 0 whole (or done), 1 broken, 2 usage: what was asked for cannot be read.

Without a folder the settings (`--config`, else TOOLCELL_CONFIG and the environment) say where the
log, the copy of its checkpoint and the key are.  Whoever verifies as a proof names them himself:
the host whose log is in doubt has the settings, too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server import settings
from toolcell_server.audit import checkpoints, reading, searching, signing
from toolcell_server.audit import folder as folders
from toolcell_server.audit import lines as records
from toolcell_server.audit.verifying import Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from toolcell_server.settings import Settings

BROKEN = 1
USAGE = 2


class Unusable(Exception):  # noqa: N818  # names what happened
    """
    Raised when what was asked for cannot be read; says what, and the remedy.
    """


def main(arguments: Sequence[str]) -> int:
    """
    Do what was asked for; the exit code.
    """
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except Unusable as exc:
        _say(f"toolcell audit: {exc}")
    except settings.SettingsError as exc:
        # Secrets that the server has in its environment are not in an auditor's.
        _say(f"toolcell audit: {exc}; or name the folder of the log: that needs no settings")
    except OSError as exc:
        _say(f"toolcell audit: {exc.filename}: {exc.strerror}")
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="toolcell audit", description="Reads an audit log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    read = argparse.ArgumentParser(add_help=False)
    read.add_argument("folder", nargs="?", help="of the log (default: as the settings say)")
    read.add_argument("--config", default="", metavar="FILE", help="the settings file (TOML)")
    verify = commands.add_parser("verify", parents=[read], help="say whether it was changed")
    verify.add_argument("--public-key", action="append", default=[], metavar="FILE")
    verify.add_argument("--key-file", action="append", default=[], metavar="FILE",
                        help="a private key, for its public half")  # fmt: skip
    verify.add_argument("--checkpoint", metavar="FILE", help="copy of the latest checkpoint")
    verify.add_argument("--json", action="store_true", help="as one JSON object")
    verify.set_defaults(run=_verify)
    search = commands.add_parser("search", parents=[read], help="print records, one a line")
    for name in ("since", "until"):
        search.add_argument(f"--{name}", type=_moment, help="as in 2026-11-27T13:00:00Z")
    for name in ("principal", "tool", "outcome", "execution", "type"):
        search.add_argument(f"--{name}", default=None if name == "principal" else "")
    search.add_argument("--limit", type=int, default=0, help="print no more than that many")
    search.set_defaults(run=_search)
    keygen = commands.add_parser("keygen", help="make a pair of keys for audit.key")
    keygen.add_argument("private", type=Path, help="file for the private key; must not exist")
    keygen.add_argument("public", type=Path, nargs="?", help="(default: the private one's + .pub)")
    keygen.set_defaults(run=_keygen)
    return parser


def _moment(text: str) -> datetime:
    try:
        return searching.moment(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no moment; write it as 2026-11-27T13:00:00Z or 2026-11-27"
        ) from None


def _verify(given: argparse.Namespace) -> int:
    folder, found = _place(given)
    keys = [_key(file, signing.PublicKey.from_pem) for file in given.public_key]
    keys += [_key(file, signing.Signer.from_pem).public for file in given.key_file]
    copy = given.checkpoint
    if found:
        keys += [found.audit.key.public] if found.audit.key and not keys else []
        copy = copy or found.audit.checkpoint_file
    in_use = folders.in_use(folder)
    paths = folders.files(folder)
    verification = Verification(keys=keys, copy=_copy(copy) if copy else None)
    reading.verify(paths, verification, in_use=in_use)
    if not paths and not verification.copy:
        raise Unusable(f"{folder} holds no audit log; name the folder that audit.folder names")
    _report(verification, len(paths), as_json=given.json)
    return BROKEN if verification.complaints else 0


def _report(verification: Verification, files: int, *, as_json: bool) -> None:
    last, notes = verification.last, list(_notes(verification))
    found: dict[str, Any] = {
        "whole": not verification.complaints,
        "files": files,
        "records": verification.records,
        "last": last.sequence if last else 0,
        "head": last.hash if last else "",
        "signed_checkpoints": verification.signed,
        "since_checkpoint": verification.unsigned,
        "complaints": [
            {"file": each.file, "line": each.line, "seq": each.sequence, "what": each.what}
            for each in verification.complaints
        ],
        "notes": notes,
    }
    if as_json:
        print(json.dumps(found))  # noqa: T201  # the program's result
        return
    for complaint in verification.complaints:
        print(complaint)  # noqa: T201  # the program's result
    word = "broken" if verification.complaints else "whole"
    print(f"{word}: {verification.records} records in {files} files")  # noqa: T201  # as above
    for note in notes:
        _say(f"note: {note}")


def _notes(verification: Verification) -> list[str]:
    """
    What this verification could not show.
    """
    notes = []
    if not verification.keys:
        notes.append(
            "no key was given, so signatures were not checked: a log written anew would pass;"
            " give --public-key"
        )
    if not verification.copy:
        notes.append(
            "no copy of the checkpoint was given, so a log that was cut short at a whole record"
            " would pass; give --checkpoint"
        )
    if verification.unsigned:
        notes.append(f"{verification.unsigned} records came after the latest checkpoint")
    return notes


def _search(given: argparse.Namespace) -> int:
    folder, _ = _place(given)
    names = ("since", "until", "principal", "tool", "outcome", "execution")
    kind = given.type.removeprefix(records.TYPE)
    search = searching.Search(kind=kind, **{name: getattr(given, name) for name in names})
    printed = 0
    for path in folders.files(folder):
        for number, raw in enumerate(reading.lines(path), 1):
            try:
                line = records.read(raw.removesuffix(b"\n"))
            except records.NotALine as exc:
                _say(f"{path.name}:{number}: is no record: it {exc}")
                continue
            if search.finds(line):
                print(records.encoded(line.envelope).decode())  # noqa: T201  # the result
                printed += 1
                if printed == given.limit:
                    return 0
    return 0


def _keygen(given: argparse.Namespace) -> int:
    public = given.public or given.private.with_name(f"{given.private.name}.pub")
    try:
        identity = signing.generate(given.private, public)
    except FileExistsError as exc:
        raise Unusable(f"{exc.filename} exists; name another: a key is not overwritten") from None
    print(  # noqa: T201  # the program's result
        json.dumps({"key": identity, "private": str(given.private), "public": str(public)})
    )
    return 0


def _place(given: argparse.Namespace) -> tuple[Path, Settings | None]:
    if given.folder:
        return Path(given.folder), None
    found = settings.read(given.config, os.environ)
    place = found.audit.place(found.state_dir)
    if not place:
        raise Unusable("the settings keep no audit log; name its folder, or --config FILE")
    return Path(place), found


def _key(file: str, parse: Any) -> Any:
    try:
        return parse(Path(file).read_bytes())
    except signing.BadKey as exc:
        raise Unusable(f"{file} {exc}") from None


def _copy(file: str) -> checkpoints.Checkpoint:
    try:
        return checkpoints.read(Path(file).read_bytes())
    except ValueError:
        raise Unusable(f"{file} holds no checkpoint; name the audit.checkpoint_file") from None


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201  # the program's way to speak
