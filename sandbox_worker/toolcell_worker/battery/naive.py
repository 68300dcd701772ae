"""
The channel of a cell as hostile code uses it; and outside of a cell, one to a naive receiver.

Theory of operation.  What a tool sends to the service does harm only to a service that believes
it.  The proof that an attack is one is therefore a receiver that does: it sets aside what is
announced, keeps what comes, takes the last word for the result, and unpickles.  It runs in the
plain process of the positive control only, and says each thing that it believed.  In a cell,
descriptor 3 is the channel, and its receiver is the service.
"""

from __future__ import annotations

import array
import json
import os
import pickle
import socket
import stat
import threading
import time
from typing import Any, NoReturn

from toolcell_worker.wire import HEADER, Frame

CHANNEL = 3
OUTSIDE = "TOOLCELL_BATTERY_RUN"  # a variable that only processes of a control have
MOST_BYTES = 512 * 2**20  # bounds what the receiver does to the host that it runs on
PATIENCE_SECONDS = 1.0
KEPT_BYTES = 64 * 2**20  # from here on it is worth a word that everything is kept


class Line:
    """
    The attacker's end.
    """

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        if _is_a_cell():
            self.end = socket.socket(fileno=os.dup(CHANNEL))
            return
        self.end, theirs = socket.socketpair()
        self.receiver = Receiver(theirs)
        self.receiver.start()

    def frame(self, kind: int, payload: bytes = b"", descriptors: tuple[int, ...] = ()) -> None:
        """
        Send one frame, whatever it is.
        """
        self.raw(HEADER.pack(kind, len(payload)) + payload, descriptors)

    def json(self, kind: int, value: Any) -> None:
        """
        Send one frame that holds JSON.
        """
        self.frame(kind, json.dumps(value).encode())

    def raw(self, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
        """
        Send bytes that may be no frame at all.
        """
        rights = array.array("i", descriptors)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if descriptors else []
        sent = self.end.sendmsg([data], ancillary)
        self.end.sendall(memoryview(data)[sent:])

    def close(self) -> None:
        """
        Close every descriptor of the channel.
        """
        self.end.close()
        if self.receiver is None:
            os.close(CHANNEL)
        else:
            self.receiver.tell()

    def leave(self, code: int = 0, signal: int = 0) -> NoReturn:
        """
        End the process at once, so that no honest word follows.
        """
        self.close()
        if signal:
            os.kill(os.getpid(), signal)
        os._exit(code)

    def stay(self) -> NoReturn:
        """
        Live on in silence, until the wall clock ends it; outside, until that is proved.
        """
        if self.receiver is not None:
            self.receiver.tell()
            os._exit(0)
        while True:
            time.sleep(60)


class Receiver(threading.Thread):
    """
    Believes everything.
    """

    def __init__(self, end: socket.socket) -> None:
        super().__init__(daemon=True)
        self.end = end
        self.waiting = 0
        self.result: bytes | None = None
        self.kept: list[Any] = []

    def run(self) -> None:
        try:
            while head := self._take(HEADER.size):
                kind, length = HEADER.unpack(head)
                self._believe(kind, self._take(length))
        except Exception as exc:  # noqa: BLE001  # whatever it is, the receiver is dead
            _say(f"the receiver died of {type(exc).__name__}")
            return
        _say("it completed, with " + ("a result" if self.result is not None else "none"))

    def tell(self) -> None:
        """
        Say what became of the receiver, when nothing more is sent.
        """
        self.join(PATIENCE_SECONDS)
        if self.is_alive():
            _say(f"{self.waiting} more bytes will come")
        kept = sum(len(item) for item in self.kept if isinstance(item, bytes))
        if kept > KEPT_BYTES:
            _say(f"{kept} bytes had to be kept")

    def _believe(self, kind: int, payload: bytes) -> None:
        self.kept.append(payload)
        match kind:
            case Frame.RESULT | Frame.PARTIAL if payload[:1] == b"\x80":
                pickle.loads(payload)  # this is what must never be done
                _say("a pickle")
            case Frame.RESULT:
                if self.result is not None:
                    _say("a second result")
                self.result = payload
                _say(f"the result {len(payload)} bytes long")
            case Frame.RAISED:
                self._believe_exception(json.loads(payload))
            case Frame.LOG | Frame.PARTIAL:
                pass
            case _:
                _say(f"a frame of kind {kind}")

    def _believe_exception(self, said: dict[str, Any]) -> None:
        _say(f"the limit {said.get('limit')} and the exit code {int(said['exit_code']):d}")
        _say(f"the message {said['message'].encode().decode()[:20]}")

    def _take(self, length: int) -> bytes:
        """
        So many bytes, with every descriptor that comes along; less at the end.
        """
        if length >= KEPT_BYTES:
            set_aside = bytearray(min(length, MOST_BYTES))
            _say(f"{length} bytes were to come, and {len(set_aside)} were set aside")
        taken = b""
        while len(taken) < length:
            self.waiting = length - len(taken)
            space = socket.CMSG_SPACE(253 * 4)
            data, ancillary, _, _ = self.end.recvmsg(min(self.waiting, 2**20), space)
            if not data:
                break
            taken += data
            for _level, _kind, rights in ancillary:
                self.kept.append(array.array("i", rights[: len(rights) // 4 * 4]))
                _say(f"{len(rights) // 4} descriptors were worth keeping")
        return taken


def _say(what: str) -> None:
    print(f"believed: {what}", flush=True)  # noqa: T201  # what came out is what the oracle sees


def _is_a_cell() -> bool:
    if OUTSIDE in os.environ:
        return False
    try:
        return stat.S_ISSOCK(os.fstat(CHANNEL).st_mode)
    except OSError:
        return False
