"""
The assembler of filters.
"""

from __future__ import annotations

import pytest
from bpf_evaluator import INSTRUCTION, evaluate
from toolcell_worker.walls.bpf import FARTHEST, MAXIMUM_INSTRUCTIONS, NUMBER, Assembler, Label


def test_labels_become_the_distances_between_instructions() -> None:
    """
    A distance that is off by one would give a call its neighbour's verdict.
    """
    assembler, large, end = Assembler(), Label(), Label()
    assembler.load(NUMBER)
    assembler.jump_if_at_least(10, large)
    assembler.jump(end)
    assembler.place(large)
    assembler.end(2)
    assembler.place(end)
    assembler.end(1)

    program = assembler.assemble()

    assert (0x35, 1, 0, 10) == list(INSTRUCTION.iter_unpack(program))[1]
    assert [1, 1, 2, 2] == [evaluate(program, 0, n).action for n in (0, 9, 10, 11)]


def test_a_jump_backwards_is_refused() -> None:
    """
    The kernel would refuse it too, but in the cell; a filter must fail where it is made.
    """
    assembler, start = Assembler(), Label()
    assembler.place(start)
    assembler.load(NUMBER)
    assembler.jump(start)

    with pytest.raises(ValueError, match="backwards"):
        assembler.assemble()


@pytest.mark.parametrize("between", [FARTHEST, FARTHEST + 1], ids=["just_reached", "too_far"])
def test_a_conditional_jump_reaches_no_further_than_its_byte(between: int) -> None:
    """
    A distance cut to eight bits would land anywhere.
    """
    assembler, far = Assembler(), Label()
    assembler.jump_if_equal(1, far)
    for _ in range(between):
        assembler.load(NUMBER)
    assembler.place(far)
    assembler.end(0)

    if between <= FARTHEST:
        assert evaluate(assembler.assemble(), 0, 0).steps == between + 2
        return
    with pytest.raises(ValueError, match="too far"):
        assembler.assemble()


def test_a_program_that_the_kernel_would_not_take_is_refused() -> None:
    """
    The kernel's limit is 4096 instructions.
    """
    assembler = Assembler()
    for _ in range(MAXIMUM_INSTRUCTIONS + 1):
        assembler.end(0)

    with pytest.raises(ValueError, match="too long"):
        assembler.assemble()
