"""
LangChain: toolcell's tools in an agent, which is a LangGraph graph.

    pip install 'toolcell[langchain]' langchain langchain-openai
    python examples/langchain_agent.py
"""

from __future__ import annotations

import offline
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from toolcell_client import Client
from toolcell_client.frameworks.langchain import tools


def main() -> None:
    with Client() as client, offline.openai_options(*offline.SCRIPT) as options:
        model = ChatOpenAI(model="gpt-5.5", **options)
        agent = create_agent(model, tools(client, "calculate", "text_stats"))
        done = agent.invoke({"messages": [{"role": "user", "content": offline.QUESTION}]})
        for message in done["messages"]:
            print(f"{message.type}: {message.text}")


if __name__ == "__main__":
    offline.run(main)
