"""
Tools of a toolcell server as the tools of agent frameworks: `langchain`, `openai_agents` and
`pydantic_ai`, each with an extra of its name.
"""
