"""Make a video about a topic: `python scripts/generate.py --topic "..."`, as `python -m wgp_core generate`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "generate")
    main()
