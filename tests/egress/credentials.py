"""
A credential of the operator's, for the host that is granted.
"""

SECRET = "s3cr3t-0f-the-0perator"
CREDENTIALS = """
[[egress.credentials]]
name = "key"
header = "X-Api-Key"
prefix = "Key "
{source}
hosts = ["api.example.test"]
"""
