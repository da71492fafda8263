"""The local engine: deterministic animated diagrams drawn with matplotlib's Agg canvas. No torch, no download."""
