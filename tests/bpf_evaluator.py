"""
A second opinion on filters: runs classic BPF as the kernel would (net/core/filter.c).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

DATA = struct.Struct("<IIQ6Q")  # struct seccomp_data: number, architecture, pointer, arguments
INSTRUCTION = struct.Struct("=HBBI")
WORD = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    The action, how many instructions it took, and the offsets that were loaded.
    """

    action: int
    steps: int
    loaded: tuple[int, ...]


def evaluate(
    program: bytes, architecture: int, number: int, arguments: tuple[int, ...] = ()
) -> Evaluation:
    """
    What a filter decides about one system call.

    Raises:
        ValueError: the program does something that a seccomp filter may not.
    """
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = DATA.pack(number, architecture, 0, *padded)
    instructions = list(INSTRUCTION.iter_unpack(program))
    register, position, steps = 0, 0, 0
    loaded: list[int] = []
    while True:
        code, if_true, if_false, operand = instructions[position]
        position, steps = position + 1, steps + 1
        if code == 0x20:  # load a word
            (register,) = WORD.unpack_from(data, operand)
            loaded.append(operand)
        elif code == 0x54:  # and
            register &= operand
        elif code == 0x05:  # jump
            position += operand
        elif code == 0x15:  # jump if equal
            position += if_true if register == operand else if_false
        elif code == 0x25:  # jump if greater
            position += if_true if register > operand else if_false
        elif code == 0x35:  # jump if at least
            position += if_true if register >= operand else if_false
        elif code == 0x45:  # jump if any of these bits is set
            position += if_true if register & operand else if_false
        elif code == 0x06:  # return
            return Evaluation(operand, steps, tuple(loaded))
        else:
            raise ValueError(f"unexpected instruction {code:#x}")
