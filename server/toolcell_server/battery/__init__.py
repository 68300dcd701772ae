"""
The battery: attacks on the walls, each shown to work outside before it is tried in a cell.
"""
