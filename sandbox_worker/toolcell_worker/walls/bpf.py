"""
An assembler for classic BPF, as far as seccomp filters need it (linux/filter.h, seccomp(2)).

Theory of operation.  A filter sees one `struct seccomp_data` and has one register.  Jumps only go
forward: a conditional jump reaches 255 instructions, an unconditional one any distance.  Code
refers to labels, which `Assembler.assemble` turns into distances; `None` is the next instruction.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# struct seccomp_data (linux/seccomp.h): the offsets of what a filter can load.
NUMBER = 0
ARCHITECTURE = 4
ARGUMENTS = 16
ARGUMENT_SIZE = 8
HALF = 4  # one load is 32 bits wide; both architectures are little-endian, the low half is first

# Instruction codes: class | size or operation | mode or operand (linux/bpf_common.h).
LOAD = 0x00 | 0x00 | 0x20  # BPF_LD | BPF_W | BPF_ABS
AND = 0x04 | 0x50  # BPF_ALU | BPF_AND | BPF_K
JUMP = 0x05 | 0x00  # BPF_JMP | BPF_JA
JUMP_IF_EQUAL = 0x05 | 0x10  # BPF_JMP | BPF_JEQ | BPF_K
JUMP_IF_AT_LEAST = 0x05 | 0x30  # BPF_JMP | BPF_JGE | BPF_K, unsigned
RETURN = 0x06  # BPF_RET | BPF_K

FARTHEST = 255
MAXIMUM_INSTRUCTIONS = 4096  # BPF_MAXINSNS
# struct sock_filter: code, distance if true, distance if false, operand.
INSTRUCTION = struct.Struct("=HBBI")


class Label:
    """
    A place in a program, known once `Assembler.place` was called with it.
    """


Target = Label | None


@dataclass(frozen=True, slots=True)
class _Instruction:
    code: int
    operand: int
    if_true: Target = None
    if_false: Target = None


@dataclass(slots=True)
class Assembler:
    """
    Collects instructions in order.
    """

    instructions: list[_Instruction] = field(default_factory=list)
    places: dict[Label, int] = field(default_factory=dict)

    def place(self, label: Label) -> None:
        """
        The next instruction is where `label` is.
        """
        self.places[label] = len(self.instructions)

    def load(self, offset: int) -> None:
        """
        Load 32 bits of the data.
        """
        self._add(LOAD, offset)

    def keep_bits(self, mask: int) -> None:
        """
        Clear all bits of the register but these.
        """
        self._add(AND, mask)

    def jump(self, target: Label) -> None:
        """
        Go on at `target`.
        """
        self._add(JUMP, 0, target)

    def jump_if_equal(self, value: int, target: Target, otherwise: Target = None) -> None:
        """
        Go on at `target` if the register holds `value`.
        """
        self._add(JUMP_IF_EQUAL, value, target, otherwise)

    def jump_if_at_least(self, value: int, target: Target, otherwise: Target = None) -> None:
        """
        Go on at `target` if the register, unsigned, is not below `value`.
        """
        self._add(JUMP_IF_AT_LEAST, value, target, otherwise)

    def end(self, action: int) -> None:
        """
        End with a verdict (SECCOMP_RET_*).
        """
        self._add(RETURN, action)

    def assemble(self) -> bytes:
        """
        The program as an array of struct sock_filter.

        Raises:
            ValueError: a jump goes backwards or too far, or the program is too long.
        """
        if len(self.instructions) > MAXIMUM_INSTRUCTIONS:
            raise ValueError(f"a filter of {len(self.instructions)} instructions is too long")
        return b"".join(self._encode(*pair) for pair in enumerate(self.instructions))

    def _add(
        self, code: int, operand: int, if_true: Target = None, if_false: Target = None
    ) -> None:
        self.instructions.append(_Instruction(code, operand, if_true, if_false))

    def _encode(self, index: int, instruction: _Instruction) -> bytes:
        if_true = self._distance(index, instruction.if_true)
        if instruction.code == JUMP:
            return INSTRUCTION.pack(JUMP, 0, 0, if_true)
        if_false = self._distance(index, instruction.if_false)
        if max(if_true, if_false) > FARTHEST:
            raise ValueError(f"the conditional jump at {index} goes too far")
        return INSTRUCTION.pack(instruction.code, if_true, if_false, instruction.operand)

    def _distance(self, index: int, target: Target) -> int:
        distance = 0 if target is None else self.places[target] - index - 1
        if distance < 0:
            raise ValueError(f"the jump at {index} goes backwards")
        return distance


def comparing_with(program: bytes, old: int, new: int) -> bytes:
    """
    The same program, with `new` wherever a value is compared with `old`, and nowhere else.
    """
    changed = bytearray(program)
    for place in range(0, len(program), INSTRUCTION.size):
        code, if_true, if_false, operand = INSTRUCTION.unpack_from(program, place)
        if code == JUMP_IF_EQUAL and operand == old:
            INSTRUCTION.pack_into(changed, place, code, if_true, if_false, new)
    return bytes(changed)
