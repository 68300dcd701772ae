"""
Where the workspace of a session is found in a cell.
"""

WORKSPACE = "/workspace"
