"""A board of a story as a folder: its frames are drawn, printed and filmed through `generate_video`."""

from .draw import Drawn, draw
from .export import Exported, export
from .film import film
from .project import BoardProject, DrawOptions, FilmOptions, Frame, FrameState, Shot, Transition

__all__ = ["BoardProject", "DrawOptions", "Drawn", "Exported", "FilmOptions", "Frame", "FrameState", "Shot",
           "Transition", "draw", "export", "film"]
