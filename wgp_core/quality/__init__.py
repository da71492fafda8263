"""How good a video is: measured dimensions, one report, ranking of several, and what to change in the prompt."""
