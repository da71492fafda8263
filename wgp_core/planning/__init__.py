"""Scene plans: what is said and seen in each scene of a video about a topic, and which page it comes from."""
