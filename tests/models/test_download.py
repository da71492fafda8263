"""Downloads over a real HTTP server that speaks the hub's API: whole, cut off, cancelled, damaged, refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, pipeline_files, safetensors, serve

from wgp_core.errors import Cancelled, RequestError
from wgp_core.events import CancelToken, Progress
from wgp_core.models import download
from wgp_core.models.catalog import by_id
from wgp_core.models.catalog.layout import DIFFUSERS_FILES
from wgp_core.models.download import RECORD, delete, install, verify
from wgp_core.models.hub import DownloadError
from wgp_core.models.spec import Family, ModelSpec, Part, Task
from wgp_core.paths import Paths

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
SPEC = ModelSpec("tiny", "Tiny", Family.WAN, (Task.T2V,), "tests", repo="org/tiny", folder="tiny",
                 files=DIFFUSERS_FILES, parts=(Part("transformer", 64), Part("vae", 64)))


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve(Hub({"org/tiny": pipeline_files()})) as running:
        yield running


def test_a_model_is_fetched_whole_and_without_pickles(hub: Hub, paths: Paths):
    events: list[Progress] = []
    folder = install(SPEC, paths, on_progress=events.append, endpoint=hub.endpoint)
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert folder == paths.ckpts / "tiny" and WEIGHTS in files and RECORD in files
    assert not any(name.endswith(".bin") for name in files) and "whole-checkpoint.safetensors" not in files
    assert (folder / WEIGHTS).read_bytes() == pipeline_files()[WEIGHTS]
    assert events[-1].step == events[-1].total > 0 and "Tiny" in events[-1].message
    assert not list(paths.ckpts.glob(".installing-*"))
    record = json.loads((folder / RECORD).read_text())
    assert record["commit"] == COMMIT and len(record["files"][WEIGHTS]) == 64


def test_an_installed_model_needs_no_network(hub: Hub, paths: Paths):
    install(SPEC, paths, endpoint=hub.endpoint)
    asked = len(hub.log)
    assert install(SPEC, paths, endpoint="http://127.0.0.1:1") == paths.ckpts / "tiny"
    assert len(hub.log) == asked


def test_a_cut_connection_is_continued_where_it_stopped(hub: Hub, paths: Paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wgp_core.models.hub._CHUNK", 256)
    hub.repos["org/tiny"] = pipeline_files(2048)
    hub.cut_after[WEIGHTS] = 1000
    folder = install(SPEC, paths, endpoint=hub.endpoint)
    first, second = hub.served(WEIGHTS)
    assert first == "" and second.startswith("bytes=") and second != "bytes=0-"
    assert (folder / WEIGHTS).read_bytes() == pipeline_files(2048)[WEIGHTS]


def test_a_cancelled_download_leaves_no_model_and_is_continued(hub: Hub, paths: Paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wgp_core.models.hub._CHUNK", 100_000)
    hub.repos["org/tiny"] = pipeline_files(131_072)
    token, seen = CancelToken(), []

    def watch(event: Progress) -> None:
        seen.append(event)

    real = download.fetch

    def stop_midway(listing, folder, watch, access, **more):
        part = folder / f"{WEIGHTS}.{next(f.sha256[:12] for f in listing.files if f.path == WEIGHTS)}.part"
        tell = watch.cancel.raise_if_cancelled

        class Stopper(CancelToken):
            def raise_if_cancelled(self) -> None:
                if part.is_file() and part.stat().st_size > 0:
                    token.cancel()
                    raise Cancelled("The work was cancelled.")
                tell()

        return real(listing, folder, replace(watch, cancel=Stopper()), access, **more)

    monkeypatch.setattr(download, "fetch", stop_midway)
    with pytest.raises(Cancelled):
        install(SPEC, paths, on_progress=watch, cancel=token, endpoint=hub.endpoint)
    monkeypatch.setattr(download, "fetch", real)
    left = list((paths.ckpts / ".installing-tiny").rglob("*.part"))
    assert left and left[0].stat().st_size > 0 and not (paths.ckpts / "tiny").exists()
    size = left[0].stat().st_size
    folder = install(SPEC, paths, endpoint=hub.endpoint)
    assert hub.served(WEIGHTS)[-1] == f"bytes={size}-"
    assert (folder / WEIGHTS).read_bytes() == pipeline_files(131_072)[WEIGHTS] and not list(folder.rglob("*.part"))


def test_a_file_that_stays_damaged_is_refused(hub: Hub, paths: Paths):
    hub.corrupt.add(WEIGHTS)
    with pytest.raises(DownloadError, match="damaged twice"):
        install(SPEC, paths, endpoint=hub.endpoint)
    assert not (paths.ckpts / "tiny").exists()


def test_small_files_are_checked_too(hub: Hub, paths: Paths):
    hub.corrupt.add("vae/config.json")
    with pytest.raises(DownloadError, match=r"vae/config\.json"):
        install(SPEC, paths, endpoint=hub.endpoint)


def test_verify_finds_damage_without_a_network_and_install_mends_it(hub: Hub, paths: Paths):
    folder = install(SPEC, paths, endpoint=hub.endpoint)
    assert verify(SPEC, folder).ok and verify(SPEC, folder).recorded
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    (folder / "vae" / "config.json").unlink()
    report = verify(SPEC, folder)
    assert any(WEIGHTS in p and "hash" in p for p in report.problems)
    assert any("vae/config.json is missing" in p for p in report.problems)
    before = len(hub.log)
    install(SPEC, paths, endpoint=hub.endpoint)
    assert verify(SPEC, folder).ok
    assert {name for name, _ in hub.log[before:]} == {WEIGHTS, "vae/config.json"}


def test_a_folder_copied_by_hand_is_checked_for_cut_files(paths: Paths):
    folder = paths.ckpts / "tiny"
    for name, data in pipeline_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    assert verify(SPEC, folder).ok and not verify(SPEC, folder).recorded
    (folder / WEIGHTS).write_bytes(pipeline_files()[WEIGHTS][:-4])
    assert "its header says" in verify(SPEC, folder).problems[0]


def test_a_file_of_a_collection_lands_in_its_own_folder(hub: Hub, paths: Paths):
    llama = by_id("llama-3.2-3b-instruct")
    hub.repos[llama.repo] = {"Llama3_2/config.json": b"{}", "Llama3_2/tokenizer.json": b"{}",
                             f"Llama3_2/{llama.needs[-1]}": safetensors(), "big.safetensors": safetensors()}
    folder = install(llama, paths, endpoint=hub.endpoint)
    assert folder == paths.ckpts / "Llama3_2"
    assert {p.name for p in folder.iterdir()} == {"config.json", "tokenizer.json", llama.needs[-1], RECORD}
    assert verify(llama, folder).ok


@pytest.mark.parametrize("name", ["../evil.safetensors", "/etc/evil.safetensors", "a\\..\\evil.safetensors"])
def test_a_name_that_leaves_the_folder_is_refused(hub: Hub, paths: Paths, name: str):
    hub.repos["org/tiny"] = {**pipeline_files(), name: b"x"}
    with pytest.raises(DownloadError, match="would leave"):
        install(replace(SPEC, files=("*",)), paths, endpoint=hub.endpoint)


def test_refusals_say_what_to_do(hub: Hub, paths: Paths, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DownloadError, match="no repository org/none"):
        install(replace(SPEC, repo="org/none"), paths, endpoint=hub.endpoint)
    hub.gated.add("org/tiny")
    with pytest.raises(DownloadError, match=r"accepted its licence.*HF_TOKEN"):
        install(SPEC, paths, endpoint=hub.endpoint)
    with pytest.raises(DownloadError, match="continues where it stopped"):
        install(SPEC, paths, endpoint="http://127.0.0.1:1")
    with pytest.raises(DownloadError, match=r"Put sa_0_4_vit_l_14_linear\.safetensors"):
        install(by_id("laion-aesthetic-head"), paths)


def test_a_repository_of_pickles_is_refused(hub: Hub, paths: Paths):
    files = pipeline_files()
    hub.repos["org/tiny"] = {k: v for k, v in files.items() if not k.endswith("model.safetensors")}
    with pytest.raises(DownloadError, match=r"lacks files.*transformer/\*\.safetensors"):
        install(SPEC, paths, endpoint=hub.endpoint)
    assert not (paths.ckpts / "tiny").exists() and not hub.log


def test_a_full_disk_is_noticed_before_the_first_byte(hub: Hub, paths: Paths, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wgp_core.models.hub.SPARE_BYTES", 10**18)
    with pytest.raises(DownloadError, match=r"needs 1 kB more on the disk"):
        install(SPEC, paths, endpoint=hub.endpoint)
    assert not hub.log


def test_the_environment_gives_the_token_and_the_endpoint(hub: Hub, paths: Paths):
    code = ("from wgp_core.models.download import install; from wgp_core.paths import build_paths; "
            "from test_download import SPEC; print(install(SPEC, build_paths()))")
    env = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_secret", "WGP_HOME": str(paths.root),
           "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert set(hub.tokens) == {"Bearer hf_secret"}


def test_offline_mode_is_named(paths: Paths):
    code = ("from wgp_core.models.download import install; from wgp_core.paths import build_paths; "
            "from test_download import SPEC; install(SPEC, build_paths())")
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "WGP_HOME": str(paths.root),
           "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60,
                          check=False)
    assert "HF_HUB_OFFLINE is set" in done.stderr


def test_delete_frees_the_folder_and_what_was_begun(hub: Hub, paths: Paths):
    folder = install(SPEC, paths, endpoint=hub.endpoint)
    (paths.ckpts / ".installing-tiny").mkdir()
    assert delete(SPEC, paths) > 500
    assert not folder.exists() and not list(paths.ckpts.glob(".*tiny*"))
    with pytest.raises(RequestError, match="not in"):
        delete(SPEC, paths)


def test_delete_never_follows_links_nor_leaves_ckpts(hub: Hub, paths: Paths, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (paths.ckpts / "tiny").symlink_to(precious)
    assert delete(SPEC, paths) == 0 and (precious / "file").is_file() and not (paths.ckpts / "tiny").exists()
    (paths.ckpts / "sub").symlink_to(precious)
    for folder in ("", ".", "..", "../precious", str(precious), "sub/file"):
        with pytest.raises(RequestError):
            delete(replace(SPEC, folder=folder), paths)
    for path in (precious, paths.ckpts, paths.ckpts / ".." / "x", paths.ckpts / "sub" / "file"):
        with pytest.raises(RequestError):
            delete(replace(SPEC, path=path), paths)
    assert (precious / "file").is_file()
    folder = install(SPEC, paths, endpoint=hub.endpoint)
    (folder / "link").symlink_to(precious)
    delete(SPEC, paths)
    assert (precious / "file").is_file()
