"""
Circuits: a tool that keeps failing is not called for a while.
"""
