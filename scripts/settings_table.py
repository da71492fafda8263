"""Write docs/settings.md from the settings' own declarations: ./run.sh scripts/settings_table.py"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from wgp_core.settings import setting_specs


def table() -> str:
    lines = ["# Settings", "", "Made from the declarations in `wgp_core/settings.py`. A flag wins over the "
             "environment, the environment over", "`settings.json`, and that over the default.", ""]
    group = ""
    for spec in setting_specs():
        if spec.group != group:
            group = spec.group
            lines += ["", f"## {group}", "", "| name | default | values | environment | what it does |",
                      "|---|---|---|---|---|"]
        default = "(empty)" if spec.default == "" else str(spec.default).lower() if spec.kind is bool else spec.default
        text = spec.help.replace("|", "\\|")
        lines.append(f"| `{spec.name}` | {default} | {spec.describe()} | `{spec.env}` | {text} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "settings.md").write_text(table(), encoding="utf-8")
