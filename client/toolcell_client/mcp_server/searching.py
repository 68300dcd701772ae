"""
Two tools instead of a thousand: one that finds, and one that calls what was found.

Theory of operation.  A model that is shown hundreds of tools chooses badly, and pays for reading
them.  With `--search` it is shown these two.  What is found is what the principal may call and the
operator offers, with the schema of its arguments; a call is then the same as any other, with the
same questions to the same people.  What such a call does nobody can say beforehand, so its
annotations are the protocol's defaults.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import mcp_types as types

from toolcell_client.errors import ToolcellError
from toolcell_client.mcp_server.answering import mistake, refusal
from toolcell_client.mcp_server.choosing import chosen
from toolcell_client.model_text import as_tool_message

if TYPE_CHECKING:
    from toolcell_client.mcp_server.choosing import Choice
    from toolcell_client.mcp_server.identities import Identity

FIND = "find_tools"
CALL = "call_tool"
MOST = 20  # arbitrary; more than that is a listing
TOOLS = (
    types.Tool(
        name=FIND,
        title="Find tools",
        description="Find tools for what you want to do, said in your own words; the best first."
        f" Call one of them with {CALL}.",
        input_schema={
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What you want to do."},
                "most": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 5},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, open_world_hint=False
        ),
    ),
    types.Tool(
        name=CALL,
        title="Call a tool",
        description=f"Call a tool that {FIND} found, with arguments that fit its `parameters`.",
        input_schema={
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "The name of the tool."},
                "arguments": {"type": "object", "description": "Its arguments."},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    ),
)


async def found(
    identity: Identity, choice: Choice, arguments: dict[str, Any]
) -> types.CallToolResult:
    """
    What suits a query.
    """
    query, most = arguments.get("query"), arguments.get("most", 5)
    if not isinstance(query, str) or not isinstance(most, int) or not 1 <= most <= MOST:
        message = f"query must be a text, and most a whole number from 1 to {MOST}."
        return refusal("invalid_arguments", message, "Correct the arguments and call again.")
    try:
        answer = await identity.client.search_tools(query, max_results=MOST)
    except ToolcellError as exc:
        return mistake(as_tool_message(exc))
    offered = {tool.name for tool in chosen((each.tool for each in answer.tools), choice)}
    tools = [each.tool for each in answer.tools if each.tool.name in offered][:most]
    told = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": json.loads(tool.parameters_json or b"{}"),
        }
        for tool in tools
    ]
    text = json.dumps(told, ensure_ascii=False)
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content={"tools": told}
    )


def within(params: types.CallToolRequestParams) -> types.CallToolRequestParams | None:
    """
    The call that a call of `call_tool` stands for; None: it stands for none.
    """
    given = params.arguments or {}
    name, arguments = given.get("name"), given.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return params.model_copy(update={"name": name, "arguments": arguments})
