"""
A message with descriptors, prepared in memory for sendmsg(2).
"""

from __future__ import annotations

import ctypes
import socket


class _Part(ctypes.Structure):  # struct iovec
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):  # struct msghdr
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("parts", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Rights(ctypes.Structure):  # struct cmsghdr
    _fields_ = (("length", ctypes.c_size_t), ("level", ctypes.c_int), ("kind", ctypes.c_int))


class Prepared:
    """
    Bytes with one descriptor beside them.  `header` is what sendmsg(2) takes, valid as long as this
    object is; `descriptor` is to be set before.
    """

    def __init__(self, data: bytes) -> None:
        self._data = ctypes.create_string_buffer(data, len(data))
        self._part = _Part(ctypes.addressof(self._data), len(data))
        space = socket.CMSG_SPACE(ctypes.sizeof(ctypes.c_int32))
        self._control = ctypes.create_string_buffer(space)
        rights = _Rights.from_buffer(self._control)
        rights.length = socket.CMSG_LEN(ctypes.sizeof(ctypes.c_int32))
        rights.level, rights.kind = socket.SOL_SOCKET, socket.SCM_RIGHTS
        self.descriptor = ctypes.c_int32.from_buffer(self._control, ctypes.sizeof(_Rights))
        self.header = _Header(
            parts=ctypes.addressof(self._part),
            count=1,
            control=ctypes.addressof(self._control),
            control_length=space,
        )
