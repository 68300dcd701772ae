"""
Egress: what a cell may reach by name, decided and enforced outside the cell.
"""
