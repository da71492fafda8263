"""The loop from a prompt to a chosen video: hero frames, attempts, scores, a choice, iterations.

`draw_heroes` makes stills, `run` makes attempts and selects the best, `refine` goes on by itself, `trend` and
`overview` look back, `finalize` joins the scenes. Everything is kept in the store; a person's choice
(`store.attempts.select`) always wins over the scores.
"""

from .bench import Origin, Watch, Workbench
from .changes import compare
from .heroes import draw_heroes, redraw_hero
from .refining import Refinement, refine, suggestions
from .rounds import Round, resume, round_of, run
from .trends import Overview, TrendPoint, Workflow, overview, trend, workflow

__all__ = ["Origin", "Overview", "Refinement", "Round", "TrendPoint", "Watch", "Workbench", "Workflow", "compare",
           "draw_heroes", "overview", "redraw_hero", "refine", "resume", "round_of", "run", "suggestions", "trend",
           "workflow"]
