"""Storyboards: a story becomes six to ten scenes, each with its shot, light, mood and prompts."""
