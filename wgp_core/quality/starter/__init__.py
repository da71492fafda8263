"""Judges clips of the starter model: what its world has, what a prompt asks of it, and what a clip shows."""
