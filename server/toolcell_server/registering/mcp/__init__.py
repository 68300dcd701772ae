"""
Tools of MCP servers, which run as programs inside cells: each of theirs is one here.
"""
