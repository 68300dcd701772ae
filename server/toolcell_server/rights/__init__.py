"""
Who may call what, and with which arguments.
"""

from toolcell_server.rights.conditions import Condition
from toolcell_server.rights.origins import Origins
from toolcell_server.rights.reach import Reach, Standing
from toolcell_server.rights.rights import Rights
from toolcell_server.rights.roles import Role
from toolcell_server.rights.rules import Decision, Rule, decide
from toolcell_server.rights.selectors import Selectors

__all__ = [
    "Condition",
    "Decision",
    "Origins",
    "Reach",
    "Rights",
    "Role",
    "Rule",
    "Selectors",
    "Standing",
    "decide",
]
