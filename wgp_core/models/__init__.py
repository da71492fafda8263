"""Weights: which there are, where they live, and what they are for."""
