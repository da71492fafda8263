"""The cache of fetched repositories: what is kept, what is removed, and that nothing else ever is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, pipeline_files, serve

from wgp_core.errors import RequestError
from wgp_core.models.download import verify
from wgp_core.models.hub_cache import (
    cache_root_of,
    cached_folder,
    cached_repos,
    fetch_repo,
    forget,
    lease,
    lease_folder,
    prune,
    purge,
    repo_folder,
)
from wgp_core.models.locate import find, installed
from wgp_core.models.spec import Family
from wgp_core.paths import Paths


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve(Hub({"org/wan-one": pipeline_files(), "org/wan-two": pipeline_files(),
                    "a-b/wan_three": pipeline_files()})) as running:
        yield running


@pytest.fixture
def root(paths: Paths) -> Path:
    return cache_root_of(paths)


def test_the_setting_moves_the_cache(paths: Paths, tmp_path: Path):
    assert cache_root_of(paths) == paths.data / "hub"
    assert cache_root_of(paths, str(tmp_path / "big")) == tmp_path / "big"


def test_a_repository_is_fetched_once_and_found_by_name(hub: Hub, paths: Paths, root: Path):
    folder = fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    assert folder == root / "models--org--wan-one" / "snapshots" / COMMIT == cached_folder("org/wan-one", root)
    assert fetch_repo("org/wan-one", root, endpoint="http://127.0.0.1:1") == folder
    found = find("org/wan-one", paths)
    assert found.folder == folder and found.spec.family is Family.WAN and found.spec.repo == "org/wan-one"
    assert not any(f.folder == folder for f in installed(paths))  # by name only


def test_the_hub_library_reads_this_cache(hub: Hub, root: Path):
    from huggingface_hub import try_to_load_from_cache

    folder = fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    assert try_to_load_from_cache("org/wan-one", "vae/config.json", cache_dir=root) == str(folder / "vae/config.json")


@pytest.mark.parametrize("name", ["org", "../x", "org/../x", "org/a/b", "/org/x", "org/x y", "", "org/..", "-o/x",
                                  "o--p/x"])
def test_names_that_are_no_repository(root: Path, name: str):
    with pytest.raises(RequestError):
        repo_folder(name, root)


def test_prune_keeps_the_active_and_says_what_it_would_do(hub: Hub, root: Path):
    for repo in hub.repos:
        fetch_repo(repo, root, endpoint=hub.endpoint)
    plan = prune(root, {"ORG/wan-two"}, dry_run=True)
    assert not plan.done and {i.repo for i in plan.removed} >= {"org/wan-one"} and plan.freed_bytes > 1000
    assert len(cached_repos(root)) == 3
    done = prune(root, {"ORG/wan-two"})
    assert done.done and done.freed_bytes == plan.freed_bytes
    assert [i.repo for i in cached_repos(root)] == ["org/wan-two"]
    assert [i.keep for i in done.items if i.repo == "org/wan-two"] == ["the active model"]
    assert purge(root).freed_bytes > 0 and cached_repos(root) == ()


def test_nothing_of_others_is_touched(hub: Hub, root: Path, tmp_path: Path):
    fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    foreign = root / "models--other--program" / "snapshots"
    foreign.mkdir(parents=True)
    (root / "notes").mkdir()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / ".wgp-fetched").touch()
    (root / "models--org--link").symlink_to(precious)
    (root / "models--org--wan-one" / "out").symlink_to(precious)
    plan = purge(root)
    assert [i.repo for i in plan.removed] == ["org/wan-one"]
    assert foreign.is_dir() and (root / "notes").is_dir() and (precious / ".wgp-fetched").is_file()
    assert (root / "models--org--link").is_symlink()


def test_an_empty_or_missing_root_is_fine(tmp_path: Path):
    assert purge(tmp_path / "none").items == () and prune(tmp_path).freed_bytes == 0


def test_a_repository_in_use_by_another_process_stays(hub: Hub, root: Path):
    folder = fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    code = ("import sys; from pathlib import Path; from wgp_core.models.hub_cache import lease_folder\n"
            "with lease_folder(Path(sys.argv[1]), Path(sys.argv[2])):\n    print('held', flush=True); sys.stdin.read()")
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code, str(folder), str(root)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=env, text=True) as user:
        assert user.stdout is not None and user.stdout.readline() == "held\n"
        with lease("org/wan-one", root):  # any number may use it
            plan = purge(root)
        assert [i.keep for i in plan.items] == ["in use"] and folder.is_dir()
        assert [i.keep for i in purge(root, dry_run=True).items] == ["in use"]
        user.kill()
        user.wait()
    assert [i.repo for i in purge(root).removed] == ["org/wan-one"]  # the lock died with its process


def test_damage_is_mended_by_fetching_again(hub: Hub, paths: Paths, root: Path):
    folder = fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    (folder / "README.md").write_text("other")
    assert not verify(find("org/wan-one", paths).spec, folder).ok
    before = len(hub.log)
    assert fetch_repo("org/wan-one", root, endpoint=hub.endpoint) == folder
    assert [name for name, _ in hub.log[before:]] == ["README.md"]
    assert verify(find("org/wan-one", paths).spec, folder).ok


def test_one_repository_is_removed_by_name(hub: Hub, root: Path):
    fetch_repo("org/wan-one", root, endpoint=hub.endpoint)
    with lease("org/wan-one", root), pytest.raises(RequestError, match="in use"):
        forget("org/wan-one", root)
    assert forget("org/wan-one", root) > 0
    with pytest.raises(RequestError, match="was not fetched"):
        forget("org/wan-one", root)


def test_a_lease_on_a_folder_elsewhere_does_nothing(root: Path, tmp_path: Path):
    with lease_folder(tmp_path, root), lease_folder(root, root):
        pass
    assert not root.exists()
