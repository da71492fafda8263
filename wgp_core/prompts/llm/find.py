"""Finds language models on this machine by id, folder or file. Loads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import EngineError, ModelMissingError
from ...models.catalog import CATALOG
from ...models.gguf_header import read_gguf_header
from ...models.locate import folder_of, known_spec, missing_error
from ...models.options import LoadOptions, Quantization
from ...models.quantized import component_files
from ...models.spec import Family, ModelSpec, Part, Task
from ...models.weight_files import gguf_file, read_config
from ...paths import Paths

STRONG_FROM = 1_000_000_000
"""Parameters from which a model rewrites freely; smaller ones drift and only choose among phrases."""


@dataclass(frozen=True)
class LocalSource:
    """A language model on disk. `weights` is a folder of the hub's layout, or one .safetensors or .gguf file."""

    spec: ModelSpec
    weights: Path

    @property
    def parameters(self) -> int:
        """How many weights it has; 0 where the files do not say."""
        return sum(part.parameters for part in self.spec.parts)

    @property
    def strong(self) -> bool:
        return self.parameters >= STRONG_FROM


def find_local(model: str, paths: Paths) -> LocalSource:
    """The language model that `model` means: a catalog id, a repository, a folder or a file; "" the best installed.

    Relative paths are looked up below `ckpts/`, the program's folder and the working folder. Raises
    `ModelMissingError` that says what is installed and what could be.
    """
    name = model.strip()
    if not name:
        found = installed_local(paths)
        if found:
            return found[0]
        raise ModelMissingError("No language model is installed.", fix=_INSTALL)
    spec = known_spec(name, paths)
    if spec is not None and spec.can(Task.LLM):
        folder = folder_of(spec, paths)
        if folder is None:
            raise missing_error(spec, paths)
        return LocalSource(spec, _weights_in(folder))
    place = _as_path(name, paths)
    if place is None:
        known = ", ".join(s.id for s in CATALOG if s.can(Task.LLM))
        raise ModelMissingError(f"There is no language model {name!r}: it is neither a known id nor a folder or file "
                                "of weights.", fix=f"Known: {known}.")
    return LocalSource(_spec_of(place), place)


def installed_local(paths: Paths) -> tuple[LocalSource, ...]:
    """The catalog's language models that are on this machine, the strong ones first."""
    folders = [(spec, folder_of(spec, paths)) for spec in CATALOG if spec.can(Task.LLM)]
    return tuple(LocalSource(spec, _weights_in(folder)) for spec, folder in folders if folder is not None)


_INSTALL = "Install one: ./run.sh -m wgp_core models install llama-3.2-3b-instruct"


def _weights_in(folder: Path) -> Path:
    """The folder, or the GGUF file inside where nothing else is there (a starter package)."""
    lone = None if (folder / "config.json").is_file() else gguf_file(folder)
    return lone or folder


def _as_path(name: str, paths: Paths) -> Path | None:
    given = Path(name).expanduser()
    places = (given,) if given.is_absolute() else (paths.ckpts / given, paths.root / given, Path.cwd() / given)
    for place in places:
        if place.is_file() and place.suffix in (".safetensors", ".gguf"):
            return place
        if place.is_dir() and ((place / "config.json").is_file() or gguf_file(place)):
            return _weights_in(place)
    return None


def _spec_of(weights: Path) -> ModelSpec:
    """A description of weights that the catalog does not know, from their headers."""
    count = _count(weights)
    kind = "" if weights.suffix == ".gguf" else str(read_config(weights).get("model_type", ""))
    family = Family.QWEN if kind.startswith("qwen") else Family.LLAMA
    return ModelSpec(id=weights.stem, label=weights.stem, family=family, tasks=(Task.LLM,), path=weights,
                     used_for="Writes richer prompts.", parts=(Part("", count, 0, count >= STRONG_FROM),))


def _count(weights: Path) -> int:
    """Weights of a model by its files' headers; those of a quantized file are counted with their scales."""
    if weights.suffix == ".gguf":
        return sum(tensor.size for tensor in read_gguf_header(weights).tensors)
    from ...models.aligned import read_header

    total = 0
    for file in component_files(weights, LoadOptions(quantization=Quantization.NONE)):
        if file.suffix == ".gguf":
            return _count(file)
        total += sum(_numbers(entry.shape) for entry in read_header(file).entries.values())
    if not total:
        raise EngineError(f"{weights} holds no weights.", fix="Install the model again.")
    return total


def _numbers(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
