"""Pages: scenes that draw any text. `build.build_page` makes one from a scene of a plan. Imports nothing by itself."""
