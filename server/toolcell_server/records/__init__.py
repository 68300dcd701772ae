"""
What of executions outlives the server, in its database.
"""
