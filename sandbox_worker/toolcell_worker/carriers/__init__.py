"""
Tools that carry others: each is told, with its arguments, of a tool that was registered at run
time, and does inside the cell what that one says.
"""
