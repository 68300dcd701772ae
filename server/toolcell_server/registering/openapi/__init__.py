"""
Tools from OpenAPI documents: each operation one, with its host as its only grant.
"""
