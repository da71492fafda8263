"""Make a storyboard: `python scripts/prompt_storyboard.py --story "..."`, as `python -m wgp_core storyboard`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "storyboard")
    main()
