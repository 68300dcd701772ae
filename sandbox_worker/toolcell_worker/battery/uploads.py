"""
Attacks by code that was uploaded: it is loaded as the carrier of uploads loads it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_worker import Context, source_code
from toolcell_worker.battery import upload_texts as texts
from toolcell_worker.source_code import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS = 10.0  # arbitrary; an interpreter starts in well under a second


def attack_when_imported(plan: dict[str, Any]) -> Any:
    """
    The harm is done before any function of it is called.
    """
    return _load(texts.IMPORT_TIME, "attack:hello", plan)


def poison_an_init(plan: dict[str, Any]) -> Any:
    """
    The module of the tool is innocent; the package that it lies in is not.
    """
    return _load(texts.POISONED_INIT, "poisoned.tools:hello", plan)


def patch_what_answers(plan: dict[str, Any]) -> Any:
    """
    Whoever answers calls with the same json, msgspec or functions answers what the upload says.
    """
    return _load(texts.PATCHED, "patching:hello", plan)


def answer(_plan: dict[str, Any]) -> Any:
    """
    Another caller's call, which is answered by the same means.
    """
    return {"answer": json.dumps([1, 2]), "sorted": sorted([2, 1])}


def start_an_interpreter_beside(plan: dict[str, Any]) -> Any:
    """
    Files that an interpreter looks for when it starts, where it finds them.
    """
    folder = _written(texts.START_FILES, plan)
    environment = {"PYTHONPATH": folder, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", "pass"],
        env=environment,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def _load(files: Mapping[str, str], entry: str, plan: dict[str, Any]) -> Any:
    source = Source(folder=_written(files, plan), entry=entry)
    return source_code.call(source, {}, Context())


def _written(files: Mapping[str, str], plan: dict[str, Any]) -> str:
    folder = Path(tempfile.mkdtemp())
    for name, text in {**files, "plan.json": json.dumps(plan)}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)
