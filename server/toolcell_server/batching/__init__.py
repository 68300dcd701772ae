"""
Several calls in one RPC.
"""
