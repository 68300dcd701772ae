"""
Operations of OpenAPI documents, as the cell calls them.
"""
