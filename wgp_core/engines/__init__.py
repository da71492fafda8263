"""Engines: what turns an effective request into frames. See `base` for the protocol, `registry` for the list."""
