"""The queue as a zip: there and back, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from wgp_core.errors import QueueError
from wgp_core.jobs import archive
from wgp_core.jobs.queue import JobQueue
from wgp_core.paths import Paths, build_paths
from wgp_core.request import LoraUse, OutputOptions, VideoRequest
from wgp_core.store import JobSource, JobState
from wgp_core.store.database import Store


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return build_paths(home=tmp_path / "home").ensure()


@pytest.fixture
def queue(paths: Paths):
    with Store.open(paths.database) as store:
        yield JobQueue(store, paths)


def make_zip(path: Path, jobs: object, files: dict[str, bytes] | None = None, version: object = 1) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("queue.json", json.dumps({"wgp_queue": version, "jobs": jobs}))
        for name, content in (files or {}).items():
            file.writestr(name, content)
    return path


def test_a_queue_survives_the_trip(queue: JobQueue, paths: Paths, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"picture")
    sent = VideoRequest("a cat", start_image=picture, end_image=picture, seed=7, width=64, height=48,
                        loras=(LoraUse(tmp_path / "loras" / "style.safetensors", "0;1"),),
                        output=OutputOptions(path=tmp_path / "mine.mp4", crf=3))
    queue.submit(sent, priority=2)
    queue.submit(VideoRequest("two"))
    queue.cancel(queue.submit(VideoRequest("not taken along")).id)
    assert queue.export_zip(tmp_path / "out" / "queue.zip") == 2
    assert str(tmp_path) not in zipfile.ZipFile(tmp_path / "out" / "queue.zip").read("queue.json").decode()

    there = build_paths(home=tmp_path / "there").ensure()
    (there.loras / "style.safetensors").write_bytes(b"")
    with Store.open(there.database) as store:
        other = JobQueue(store, there)
        first, second = other.import_zip(tmp_path / "out" / "queue.zip")
        assert (first.state, first.source, first.priority) == (JobState.QUEUED, JobSource.IMPORT, 2)
        assert first.request.start_image == first.request.end_image
        assert first.request.start_image is not None and first.request.start_image.read_bytes() == b"picture"
        assert first.request.start_image.parent == there.uploads
        assert first.request.loras == (LoraUse(there.loras / "style.safetensors", "0;1"),)
        assert first.request.output == OutputOptions(path=None, crf=3) and "mine.mp4" in first.warnings[0]
        assert first.request.seed == 7 and second.request == VideoRequest("two")
    assert (tmp_path / "out" / "queue.zip").exists() and picture.exists()


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "media/../../evil.png", "..\\evil.png",
                                  "C:/evil.png"])
def test_unsafe_names_are_refused(queue: JobQueue, paths: Paths, tmp_path: Path, name: str) -> None:
    zipped = make_zip(tmp_path / "evil.zip", [{"request": {"prompt": "a", "start_image": name}}], {name: b"evil"})
    with pytest.raises(QueueError, match="unsafe name"):
        queue.import_zip(zipped)
    assert queue.jobs() == () and not list(tmp_path.rglob("evil.png")) and zipped.exists()


def test_images_outside_the_zip_are_refused(queue: JobQueue, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    zipped = make_zip(tmp_path / "q.zip", [{"request": {"prompt": "a", "start_image": str(secret)}}])
    with pytest.raises(QueueError, match="does not hold"):
        queue.import_zip(zipped)
    listed = make_zip(tmp_path / "r.zip", [{"request": {"prompt": "a", "start_image": "media/run.sh"}}],
                      {"media/run.sh": b"#!"})
    with pytest.raises(QueueError, match="no image file"):
        queue.import_zip(listed)


def test_a_link_in_the_zip_is_refused(queue: JobQueue, tmp_path: Path) -> None:
    zipped = make_zip(tmp_path / "q.zip", [])
    with zipfile.ZipFile(zipped, "a") as file:
        entry = zipfile.ZipInfo("media/0-link.png")
        entry.external_attr = 0o120777 << 16
        file.writestr(entry, "/etc/passwd")
    with pytest.raises(QueueError, match="unsafe name"):
        queue.import_zip(zipped)


@pytest.mark.parametrize(("jobs", "version", "message"), [
    ([], 2, "queue format 2"), ([], None, "queue format None"), ([], "1", "queue format"), ({}, 1, "no list of jobs"),
    ([{"request": {"prompt": "a", "colour": 1}}], 1, "colour"), ([{"request": {}}], 1, "Job 1"),
    ([{"request": {"prompt": "a"}, "priority": "high"}], 1, "priority"), ([3], 1, "no list of jobs"),
    ([{"request": {"prompt": "a"}}, {"request": {"prompt": ""}}], 1, "Job 2"),
])
def test_what_is_wrong_is_named_and_nothing_is_queued(queue: JobQueue, tmp_path: Path, jobs: object, version: object,
                                                      message: str) -> None:
    with pytest.raises(QueueError, match=message):
        queue.import_zip(make_zip(tmp_path / "q.zip", jobs, version=version))
    assert queue.jobs() == ()


def test_sizes_are_counted_while_reading(queue: JobQueue, paths: Paths, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEDIA_BYTES", 1000)
    jobs = [{"request": {"prompt": "a", "start_image": "media/0-a.png"}}]
    with pytest.raises(QueueError, match="more than"):
        queue.import_zip(make_zip(tmp_path / "bomb.zip", jobs, {"media/0-a.png": b"\0" * 5_000_000}))
    monkeypatch.setattr(archive, "MAX_JOBS", 2)
    with pytest.raises(QueueError, match="the most is 2"):
        queue.import_zip(make_zip(tmp_path / "many.zip", [{"request": {"prompt": "a"}}] * 3))
    assert queue.jobs() == () and not list(paths.uploads.iterdir())


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 broken"])
def test_other_files_are_refused(queue: JobQueue, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "q.zip"
    path.write_bytes(content)
    with pytest.raises(QueueError, match="not a zip"):
        queue.import_zip(path)
    with pytest.raises(QueueError, match="cannot be read"):
        queue.import_zip(tmp_path / "nothing.zip")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(QueueError, match=r"no queue\.json"):
        queue.import_zip(path)


def test_an_export_that_cannot_be_written_leaves_nothing(queue: JobQueue, paths: Paths, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"picture")
    job = queue.submit(VideoRequest("a", start_image=picture))
    assert job.request.start_image is not None
    job.request.start_image.unlink()
    with pytest.raises(QueueError, match="cannot be exported"):
        queue.export_zip(tmp_path / "out" / "q.zip")
    assert list((tmp_path / "out").iterdir()) == []
