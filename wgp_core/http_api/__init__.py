"""The HTTP API: the queue and its results over JSON. pydantic lives here and nowhere deeper."""
