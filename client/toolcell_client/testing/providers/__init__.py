"""
For tests of loops around models, without a key and without a model: a local server that speaks the
providers' wire formats over real HTTP, as strictly as they do.

    with ProviderServer() as server:
        server.script([Calls(("add", {"a": 1, "b": 2})), Says("It is 3.")])
        client = openai.OpenAI(base_url=server.openai_base_url, api_key="any")
"""

from toolcell_client.testing.providers.demo import demo_model
from toolcell_client.testing.providers.journal import Received
from toolcell_client.testing.providers.server import ProviderServer
from toolcell_client.testing.providers.tokens import Usage
from toolcell_client.testing.providers.turns import Calls, Fails, How, Says, Then, Turn
from toolcell_client.testing.providers.view import Answered, Called, Said, SeenTool, View

__all__ = [
    "Answered",
    "Called",
    "Calls",
    "Fails",
    "How",
    "ProviderServer",
    "Received",
    "Said",
    "Says",
    "SeenTool",
    "Then",
    "Turn",
    "Usage",
    "View",
    "demo_model",
]
