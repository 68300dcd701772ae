"""
What every face needs that makes calls: for an RPC, a batch or a workflow.
"""
