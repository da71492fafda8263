"""Check this machine before anything else: ./run.sh scripts/check_env.py (the same as -m wgp_core doctor)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from wgp_core.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["doctor"]
    main()
