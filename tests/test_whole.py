"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from wgp_core.whole import whole_file


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "plan.json"
    with whole_file(target) as part:
        part.write_text("{}")
        assert not target.exists() and part.parent == target.parent
    assert target.read_text() == "{}" and list(target.parent.iterdir()) == [target]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(OSError), whole_file(target):
        pass  # nothing was written
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]
