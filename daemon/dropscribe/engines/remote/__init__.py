"""The engine `remote`: pages go to an OpenAI-compatible vision server that somebody else runs."""
