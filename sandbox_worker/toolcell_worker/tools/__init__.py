"""
The tools that come with the service: the bundle `toolcell_worker.tools`.
"""
