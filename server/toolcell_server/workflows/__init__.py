"""
Work made of several calls: definitions of it, and runs that outlive the server.
"""
