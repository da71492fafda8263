"""Convolution: a kernel sliding over numbers, what different kernels see, and convolution, ReLU, pooling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.patches import Rectangle

from ..layout import Rect
from ..parts import NumberGrid, between, num, put, signed
from ..scene import Clock, Scene, mix, smooth
from ..stage import Stage
from .base import Subject, Topic

KERNELS: dict[str, np.ndarray] = {
    "edges": np.array([(-1, 0, 1), (-2, 0, 2), (-1, 0, 1)]),
    "blur": np.array([(1, 2, 1), (2, 4, 2), (1, 2, 1)]),
    "sharpen": np.array([(0, -1, 0), (-1, 5, -1), (0, -1, 0)]),
    "outline": np.array([(-1, -1, -1), (-1, 8, -1), (-1, -1, -1)]),
}
DIVISORS = {"blur": 16}
BLURS = 5
WORDS = {"edges": ("sobel", "edge", "edges", "vertical"), "blur": ("blur", "gaussian", "smooth", "smoothing"),
         "sharpen": ("sharpen", "sharpening"), "outline": ("outline", "laplacian")}


def convolve(image: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """Sums of products at every place where the kernel fits: what deep learning calls convolution (no flip)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.einsum("rcij,ij->rc", windows, kernel)


def small_image(seed: int, size: int) -> np.ndarray:
    """A bright shape (a cross, a ring, a corner or a slope) on dark, integers 0..9, with a little seeded noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    shapes = ((np.abs(x) < 1) | (np.abs(y) < 1), np.abs(np.hypot(x, y) - size * 0.32) < 0.9,
              (x > -1.2) & (y > -1.2), x + y > 0.4)
    image = np.where(shapes[int(rng.integers(len(shapes)))], 8, 1) + rng.integers(-1, 2, (size, size))
    return np.clip(image, 0, 9)


# -- scene 1: sliding -------------------------------------------------------------------------------------------


@dataclass
class Slide(Scene):
    """The window moves over the image; nine products, their sum, and the output cell they fill."""

    name: str = "edges"
    seed: int = 0
    stride: int = 1

    def __post_init__(self) -> None:
        self.kernel, self.divisor = KERNELS[self.name], DIVISORS.get(self.name, 1)
        self.image = small_image(self.seed, 7)
        self.output = convolve(self.image, self.kernel, self.stride) / self.divisor

    def build(self, stage: Stage) -> None:
        self.stage = stage
        if stage.content.landscape:
            left, middle, right = stage.content.columns((1.25, 0.95, 1.0), gap=0.45)
        else:
            top, middle = stage.content.rows((1.12, 1), gap=0.3)
            left, right = top.columns((1.2, 1), gap=0.4)
        self.input = self._titled(stage, left, f"image, 7×7{f', stride {self.stride}' if self.stride > 1 else ''}",
                                  7, moving=False, chars=1)
        side = len(self.output)
        self.out = self._titled(stage, right, f"output, {side}×{side}", side)
        self._build_middle(stage, middle)
        for r in range(7):
            for c in range(7):
                value = int(self.image[r, c])
                self.input.fill(r, c, str(value), between(stage, "#10151f", "#eef2f8", 0.1 + 0.9 * value / 9))
        self.window = stage.moving(stage.ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, zorder=8, joinstyle="round",
                                                                edgecolor=stage.color("accent"),
                                                                linewidth=stage.line_width(0.1))))
        self.target = stage.moving(stage.ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, zorder=8,
                                                                edgecolor=stage.color("accent"),
                                                                linewidth=stage.line_width(0.08))))

    def _titled(self, stage: Stage, rect: Rect, title: str, side: int, *, moving: bool = True,
                chars: int = 2) -> NumberGrid:
        head, body = rect.rows((0.55, max(rect.h - 0.6, 1)), gap=0.05)
        grid = NumberGrid(stage, body, side, side, moving=moving, role="label", chars=chars)
        stage.text(grid.rect.cx, min(grid.rect.top + 0.32, head.cy), title, "label", color="muted")
        return grid

    def _build_middle(self, stage: Stage, rect: Rect) -> None:
        kernel_w, product_w = (rect.rows if stage.content.landscape else rect.columns)((1, 1.3), gap=0.15)
        name = self.name + (" kernel ÷ 16" if self.divisor > 1 else " kernel")
        grid = self._titled(stage, kernel_w, name, 3, moving=False)
        for r in range(3):
            for c in range(3):
                value = float(self.kernel[r, c])
                grid.fill(r, c, num(value, 0), signed(stage, value / float(np.abs(self.kernel).max()) * 0.8))
        body = product_w.rows((max(product_w.h - 0.65, 1), 0.55), gap=0.1)[0]  # the sum goes below
        self.products = self._titled(stage, body, "products", 3)
        self.sum = stage.moving(stage.text(self.products.rect.cx, self.products.rect.y - 0.38, "", "body",
                                           color="accent", weight="semibold"))

    def step_at(self, clock: Clock) -> tuple[int, float]:
        """The output cell being made and how far: the first two are slow, the rest quicker."""
        count = self.output.size
        slow = min(2, count)
        if clock.u < 0.3:
            return clock.index(0.0, 0.3, slow)
        i, part = clock.index(0.3, 0.96, count - slow)
        return i + slow, part

    def draw(self, clock: Clock) -> None:
        side = len(self.output)
        i, part = self.step_at(clock)
        row, column = divmod(i, side)
        moved = smooth(part / 0.35)
        before = divmod(max(i - 1, 0), side)
        at = (mix(before[0], row, moved) * self.stride, mix(before[1], column, moved) * self.stride)
        place = self.input.window(*at, 3)
        put(self.window, bounds=(place.x, place.y, place.w, place.h))
        goal = self.out.cell(row, column)
        put(self.target, bounds=(goal.x, goal.y, goal.w, goal.h))
        self._show_products(row if part > 0.3 else before[0], column if part > 0.3 else before[1])
        top = float(np.abs(self.output).max()) or 1.0
        for j in range(self.output.size):
            r, c = divmod(j, side)
            if j < i or (j == i and part > 0.6):
                self.out.fill(r, c, self._shown(self.output[r, c]), signed(self.stage, self.output[r, c] / top * 0.85))
            else:
                self.out.clear(r, c)

    def _shown(self, value: float) -> str:
        return num(value, 0 if self.divisor == 1 else 1)

    def _show_products(self, row: int, column: int) -> None:
        s = self.stride
        products = self.image[row * s:row * s + 3, column * s:column * s + 3] * self.kernel
        top = float(np.abs(products).max()) or 1.0
        for r in range(3):
            for c in range(3):
                value = float(products[r, c])
                self.products.fill(r, c, num(value, 0), signed(self.stage, value / top * 0.7))
        total = f"sum {num(products.sum(), 0)}"
        self.sum.set_text(total if self.divisor == 1 else f"{total} ÷ 16 = {self._shown(self.output[row, column])}")


# -- scene 2: what kernels see ----------------------------------------------------------------------------------


def picture(size: int = 72) -> np.ndarray:
    """A drawn scene, 0..1: hill, house with a window and a door, sun, and a graded sky."""
    y, x = np.mgrid[:size, :size] / (size - 1)
    image = 0.25 + 0.35 * y
    image = np.where(np.hypot(x - 0.8, y - 0.2) < 0.11, 0.98, image)
    image = np.where(y > 0.8 + 0.06 * np.sin(7 * x), 0.38 + 0.1 * np.sin(40 * x) * np.sin(33 * y), image)
    image = np.where((np.abs(x - 0.4) < 0.22) & (y > 0.45) & (y < 0.84), 0.75, image)
    image = np.where((y > 0.22) & (y < 0.46) & (np.abs(x - 0.4) < (y - 0.2) * 1.15), 0.12, image)
    image = np.where((np.abs(x - 0.3) < 0.06) & (np.abs(y - 0.58) < 0.06), 0.1, image)
    image = np.where((np.abs(x - 0.49) < 0.05) & (y > 0.6) & (y < 0.84), 0.2, image)
    return image


def filtered(image: np.ndarray, name: str) -> np.ndarray:
    """The picture through a kernel, as shown: magnitudes for edge kernels (scaled to 1), 0..1 otherwise."""
    kernel, result = KERNELS[name], image
    for _ in range(BLURS if name == "blur" else 1):  # once would hardly show
        result = convolve(np.pad(result, 1, mode="edge"), kernel) / DIVISORS.get(name, 1)
    if name in ("edges", "outline"):
        return np.abs(result) / np.abs(result).max()
    return np.clip(result, 0, 1)


def grey(image: np.ndarray) -> np.ndarray:
    """Brightness 0..1 as colours: a picture is dark where it is dark, whatever the theme."""
    dark, light = np.array((0.04, 0.06, 0.1)), np.array((0.96, 0.97, 0.98))
    return dark + (light - dark) * image[..., None]


def _quarters(rect: Rect, down: float, across: float) -> list[Rect]:
    """Two rows of two, with these gaps."""
    return [cell for row in rect.rows(2, gap=down) for cell in row.columns(2, gap=across)]


@dataclass
class Filters(Scene):
    """The same picture through four kernels; a front moves down and leaves the filtered picture behind."""

    SHOWN = (("edges", "vertical edges"), ("outline", "outline"), ("blur", f"blur, {BLURS} times"),
             ("sharpen", "sharpen"))

    def build(self, stage: Stage) -> None:
        image = picture()
        content = stage.content
        wide = content.w > 2.2 * content.h
        cells = content.columns(4, gap=0.3) if wide else _quarters(content, 0.2, 0.3)
        self.fronts = []
        for cell, (name, title) in zip(cells, self.SHOWN, strict=True):
            room = cell.h - 0.55 - cell.w  # what is left over and under the picture
            below = min(room - 0.15, 1.9) if room > 1.2 else 0.0
            side = min(cell.w, cell.h - 0.55)
            spare = max(cell.h - 0.55 - side - below, 0) / 2
            square = Rect(cell.cx - side / 2, cell.top - 0.55 - spare - side, side, side)
            stage.text(square.cx, square.top + 0.3, title, "label", weight="semibold")
            if below:
                self._show_kernel(stage, Rect(cell.x, square.y - below, cell.w, below - 0.15), KERNELS[name])
            self._show(stage, square, grey(filtered(image, name)), 1)
            before = self._show(stage, square, grey(image), 2)
            stage.moving(before)
            line = stage.moving(stage.line([square.x, square.right], [square.top] * 2, color="accent", width=0.07,
                                           zorder=4))
            self.fronts.append((square, before, line))

    @staticmethod
    def _show_kernel(stage: Stage, rect: Rect, kernel: np.ndarray) -> None:
        grid = NumberGrid(stage, rect, 3, 3, moving=False, role="small")
        for (r, c), value in np.ndenumerate(kernel):
            grid.fill(r, c, num(value, 0), signed(stage, float(value / np.abs(kernel).max()) * 0.8))

    @staticmethod
    def _show(stage: Stage, rect: Rect, pixels: np.ndarray, zorder: float):
        return stage.ax.imshow(np.round(pixels * 255).astype(np.uint8), interpolation="nearest", aspect="auto",
                               extent=(rect.x, rect.right, rect.y, rect.top), zorder=zorder)

    def draw(self, clock: Clock) -> None:
        done = clock.ramp(0.08, 0.88)
        for rect, before, line in self.fronts:
            y = mix(rect.top, rect.y, done)
            put(line, data=((rect.x, rect.right), (y, y)), visible=0 < done < 1)
            before.set_clip_path(Rectangle((rect.x, rect.y), rect.w, max(y - rect.y, 1e-6),
                                           transform=before.axes.transData))
            put(before, visible=done < 1)
            before.stale = True


# -- scene 3: convolution, ReLU, pooling ------------------------------------------------------------------------


@dataclass
class Layer(Scene):
    """One layer of a convolutional network on a small picture: every stage computed from the one before."""

    kernel: np.ndarray = field(default_factory=lambda: KERNELS["edges"])

    def build(self, stage: Stage) -> None:
        image = picture(26)
        raw = convolve(image, self.kernel)
        relu = np.maximum(raw, 0)
        pooled = relu.reshape(12, 2, 12, 2).max((1, 3))
        top = float(np.abs(raw).max())
        wide = stage.content.landscape
        cells = stage.content.columns(4, gap=0.6) if wide else _quarters(stage.content, 0.3, 0.6)
        maps = (("image 26×26", grey(image)), ("convolution 24×24", self._signed(stage, raw / top)),
                ("ReLU 24×24", self._signed(stage, relu / top)), ("max pool 12×12", self._signed(stage, pooled / top)))
        rules = ("", r"$\Sigma\; w\, x$", r"$\max(0,\, z)$", r"$\max$ of $2\times2$")
        self.covers = []
        for i, (cell, (title, pixels), rule) in enumerate(zip(cells, maps, rules, strict=True)):
            square = Rect(cell.x, cell.y + 0.7, cell.w, cell.h - 1.4).square()
            stage.text(square.cx, square.top + 0.35, title, "label", weight="semibold")
            if rule:
                stage.text(square.cx, square.y - 0.4, rule, "label", color="accent", math=True)
            Filters._show(stage, square, pixels, 1)
            if i:
                cover = stage.moving(stage.ax.add_patch(Rectangle((square.x, square.y), square.w, square.h, lw=0,
                                                                  facecolor=stage.color("panel"), zorder=3)))
                self.covers.append((square, len(pixels), cover))
            if wide and i:
                stage.arrow((square.x - 0.52, square.cy), (square.x - 0.1, square.cy))
        self.front = stage.moving(stage.ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, zorder=5,
                                                               edgecolor=stage.color("accent"),
                                                               linewidth=stage.line_width(0.06))))

    @staticmethod
    def _signed(stage: Stage, values: np.ndarray) -> np.ndarray:
        return np.array([[signed(stage, float(v)) for v in row] for row in values])

    def draw(self, clock: Clock) -> None:
        which, part = clock.index(0.04, 0.94, len(self.covers))
        for i, (rect, count, cover) in enumerate(self.covers):
            rows = 0 if i > which else count if i < which else part * count
            left = rect.h * (1 - rows / count)
            put(cover, height=left, visible=left > 1e-9)
            if i == which:
                put(self.front, bounds=(rect.x, rect.y + max(left - rect.h / count, 0), rect.w, rect.h / count),
                    visible=part < 1)


def make(topic: Topic) -> list[Scene]:
    name = next((kernel for kernel, words in WORDS.items() if topic.mentions(*words)), "edges")
    stride = int(topic.numbers.after("stride", low=1, high=2, default=1))
    return [
        Slide("Convolution", "Multiply the nine numbers under the window by the kernel, add them up, write the sum.",
              weight=1.5, name=name, seed=topic.seed, stride=stride),
        Filters("What kernels see", "The numbers in the kernel decide what stands out: edges, outlines, a blur, or "
                "more detail."),
        Layer("One convolutional layer", "Convolution finds the pattern, ReLU keeps the positive, pooling keeps the "
              "strongest of four.", priority=2),
    ]


SUBJECT = Subject(
    id="convolution",
    title="Convolution",
    keywords=("convolution", "convolutions", "convolutional", "cnn", "kernel filter", "sobel", "edge detection",
              "image filter"),
    phrases=("a kernel sliding over an image", "how convolutional neural networks see",
             "blurring, sharpening and finding edges in a picture"),
    make=make,
)
