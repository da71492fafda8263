"""WGP Studio's core: one `generate_video` that the window, the scripts and the HTTP API all drive.

Importing this package costs nothing: no torch, no plotting, no database. Each part is imported where it is used.
"""

__version__ = "0.1.0"
