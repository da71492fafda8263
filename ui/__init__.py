"""The window: Gradio tabs over one `Studio`. Knows nothing of engines' insides, torch or SQL."""
