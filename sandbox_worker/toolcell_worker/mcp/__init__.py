"""
A client of MCP servers that run as programs inside the cell, over their standard input and output.
"""
