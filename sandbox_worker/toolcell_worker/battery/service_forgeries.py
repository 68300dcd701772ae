"""
Attacks on the service: words of the tool that would count as the service's own, and pickles.
"""

from __future__ import annotations

import json
import os
import pickle
from typing import Any, NoReturn

from toolcell_worker.battery.naive import Line
from toolcell_worker.wire import REAPING, Frame


class Touch:
    """
    Whoever unpickles it makes a folder.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.path,)


def give_a_pickle_as_the_result(plan: dict[str, Any]) -> NoReturn:
    """
    Whoever unpickles it runs our code.
    """
    line = Line()
    line.frame(Frame.RESULT, pickle.dumps(Touch(plan["path"])))
    line.leave()


def give_a_pickle_as_a_part(plan: dict[str, Any]) -> NoReturn:
    """
    The same in a part of the result.
    """
    line = Line()
    line.frame(Frame.PARTIAL, pickle.dumps(Touch(plan["path"])))
    line.frame(Frame.RESULT, b"null")
    line.leave()


def claim_a_limit_of_the_service(_plan: dict[str, Any]) -> NoReturn:
    """
    The wall clock is the service's: that it ran out only the service can say.
    """
    line = Line()
    line.json(Frame.RAISED, {"limit": "wall", "message": "forged", "exit_code": 1})
    line.leave(1)


def say_ready_again(_plan: dict[str, Any]) -> NoReturn:
    """
    READY is our own code's word: whatever follows a second one could count as ours.
    """
    line = Line()
    line.frame(Frame.READY)
    line.frame(Frame.RESULT, b'"forged"')
    line.leave()


def claim_that_a_wall_failed(_plan: dict[str, Any]) -> NoReturn:
    """
    A wall that could not be built is our fault: somebody would be woken at night.
    """
    line = Line()
    forged = {"wall": "seccomp", "errno": 1, "detail": "forged"}
    line.json(Frame.SETUP_FAILED, forged)
    line.leave(126)


def claim_a_staging_folder(plan: dict[str, Any]) -> NoReturn:
    """
    The service puts in place what lies in a staging folder: here, one of the tool's choice.
    """
    line = Line()
    folder = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY)  # of the cell
    told = json.dumps({"folders": [plan["folder"]]}).encode()
    line.frame(Frame.STAGING, told, (folder,))
    line.frame(Frame.RESULT, b'"forged"')
    line.leave()


def speak_as_the_zygote(_plan: dict[str, Any]) -> NoReturn:
    """
    Frames of the control channel, as if the cell were over, and others were here.
    """
    line = Line()
    line.frame(Frame.REAPED, REAPING.pack(1, 0, 0.0, 0.0, 0))
    line.json(Frame.CATALOGUE, {"tools": [], "broken": []})
    line.json(Frame.ANSWER, {"status": "opened"})
    line.frame(Frame.RESULT, b'"forged"')
    line.leave()


def claim_an_observed_denial(_plan: dict[str, Any]) -> str:
    """
    Only what the service has seen itself is observed; a tool reports.
    """
    line = Line()
    forged = {"wall": "landlock", "operation": "open", "target": "forged", "reason": "not_granted"}
    line.json(Frame.DENIED, {**forged, "evidence": "observed", "observed": True})
    line.json(Frame.DENIED, {**forged, "evidence": 1})
    if line.receiver is not None:
        line.close()
    return "denied"
