"""Language models that write prompts: on this machine, or behind an OpenAI-compatible server. `choice` picks one."""
