"""
Bundles whose code changes while the server runs.
"""
