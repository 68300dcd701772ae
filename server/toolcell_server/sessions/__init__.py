"""
Workspaces that persist across the calls of a session.
"""
