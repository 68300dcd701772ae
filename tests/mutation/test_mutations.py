"""
What the mutation target and the ablation name is still there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ablation import wrapping
from ablation.columns import WALLS
from ablation.reasons import REASONS
from mutation.mutations import MUTATIONS, Edit, Mutation
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import program
from toolcell_server.battery import catalogue

ROOT = Path(__file__).parent.parent.parent
NAMES = {attack.name for attack in catalogue.ATTACKS}


def test_every_wall_of_the_contract_is_taken_away_once() -> None:
    """
    A new wall must not be forgotten here.
    """
    walls = {name.removeprefix("WALL_").lower() for name, _ in pb.Wall.items()} - {"unspecified"}

    assert walls == set(WALLS)
    assert sorted(walls) == sorted(mutation.wall for mutation in MUTATIONS)


@pytest.mark.parametrize(
    "edit", [edit for mutation in MUTATIONS for edit in mutation.edits], ids=lambda edit: edit.path
)
def test_the_code_of_a_wall_is_where_the_mutation_cuts(edit: Edit) -> None:
    """
    A cut that misses proves nothing.
    """
    assert (ROOT / edit.path).read_text().count(edit.old) == 1


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.wall)
def test_attacks_of_a_mutation_are_in_the_battery(mutation: Mutation) -> None:
    """
    An attack that was renamed would be no test of the wall.
    """
    assert set(mutation.attacks) <= NAMES


def test_a_reason_is_given_for_a_wall_and_an_attack_that_exist() -> None:
    """
    Whoever mends the last single wall also removes its excuse.
    """
    assert [(wall, name) for wall, name in REASONS if wall not in WALLS or name not in NAMES] == []


def test_walls_are_taken_away_before_the_zygote_begins() -> None:
    """
    The ablation comes in between the import of the worker's package and its program.
    """
    assert program.BOOTSTRAP.count(wrapping.BEFORE) == 1
