"""RAFT large, the optical flow of the exact dynamic degree (Teed and Deng 2020, arXiv 2003.12039).

Names of weights are those of torchvision's `raft_large`, so that its C_T_V1 weights (FlyingChairs, then FlyingThings3D)
fit. Inputs are -1..1. Loads torch: import it only where a model is there.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ..models.aligned import WeightsFileError

LEVELS = 4
RADIUS = 4
HIDDEN = 128
UPDATES = 20
DOWN = 8


class _ConvBlock(nn.Sequential):
    """Convolution, norm, ReLU, with the padding that keeps the size at stride 1."""

    def __init__(self, inside: int, outside: int, kernel: int, *, stride: int = 1, norm: type[nn.Module] | None = None,
                 relu: bool = True) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inside, outside, kernel, stride, kernel // 2)]
        if norm is not None:
            layers.append(norm(outside))
        if relu:
            layers.append(nn.ReLU())
        super().__init__(*layers)


class _Residual(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.convnormrelu1 = _ConvBlock(inside, outside, 3, stride=stride, norm=norm)
        self.convnormrelu2 = _ConvBlock(outside, outside, 3, norm=norm)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1:
            self.downsample = _ConvBlock(inside, outside, 1, stride=stride, norm=norm, relu=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.downsample(x) + self.convnormrelu2(self.convnormrelu1(x)))


class _Encoder(nn.Module):
    """Pictures [n, 3, h, w] to features [n, 256, h / 8, w / 8]."""

    def __init__(self, norm: type[nn.Module]) -> None:
        super().__init__()
        self.convnormrelu = _ConvBlock(3, 64, 7, stride=2, norm=norm)
        self.layer1 = nn.Sequential(_Residual(64, 64, 1, norm), _Residual(64, 64, 1, norm))
        self.layer2 = nn.Sequential(_Residual(64, 96, 2, norm), _Residual(96, 96, 1, norm))
        self.layer3 = nn.Sequential(_Residual(96, 128, 2, norm), _Residual(128, 128, 1, norm))
        self.conv = nn.Conv2d(128, 256, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.layer3(self.layer2(self.layer1(self.convnormrelu(x)))))


class _MotionEncoder(nn.Module):
    """What the correlations and the flow say of the motion: [n, 128, h, w], the flow itself in the last two."""

    def __init__(self) -> None:
        super().__init__()
        self.convcorr1 = _ConvBlock(LEVELS * (2 * RADIUS + 1) ** 2, 256, 1)
        self.convcorr2 = _ConvBlock(256, 192, 3)
        self.convflow1 = _ConvBlock(2, 128, 7)
        self.convflow2 = _ConvBlock(128, 64, 3)
        self.conv = _ConvBlock(192 + 64, 126, 3)

    def forward(self, flow: torch.Tensor, correlations: torch.Tensor) -> torch.Tensor:
        seen = self.convcorr2(self.convcorr1(correlations))
        moved = self.convflow2(self.convflow1(flow))
        return torch.cat([self.conv(torch.cat([seen, moved], 1)), flow], 1)


class _Gru(nn.Module):
    def __init__(self, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convz = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)
        self.convr = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)
        self.convq = nn.Conv2d(3 * HIDDEN, HIDDEN, kernel, padding=padding)

    def forward(self, hidden: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        both = torch.cat([hidden, x], 1)
        update, reset = torch.sigmoid(self.convz(both)), torch.sigmoid(self.convr(both))
        new = torch.tanh(self.convq(torch.cat([reset * hidden, x], 1)))
        return (1 - update) * hidden + update * new


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convgru1 = _Gru((1, 5))
        self.convgru2 = _Gru((5, 1))

    def forward(self, hidden: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return self.convgru2(self.convgru1(hidden, x), x)


class _FlowHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv2(functional.relu(self.conv1(x)))


class _Update(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.motion_encoder = _MotionEncoder()
        self.recurrent_block = _Recurrent()
        self.flow_head = _FlowHead()

    def forward(self, hidden: torch.Tensor, context: torch.Tensor, correlations: torch.Tensor,
                flow: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        motion = self.motion_encoder(flow, correlations)
        hidden = self.recurrent_block(hidden, torch.cat([context, motion], 1))
        return hidden, self.flow_head(hidden)


class _Mask(nn.Module):
    """Weights with which each fine pixel takes its nine coarse neighbours, scaled by a quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.convrelu = _ConvBlock(HIDDEN, 256, 3)
        self.conv = nn.Conv2d(256, 9 * DOWN * DOWN, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.25 * self.conv(self.convrelu(x))


class Raft(nn.Module):
    """Flow from one picture to the next."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_encoder = _Encoder(nn.InstanceNorm2d)
        self.context_encoder = _Encoder(nn.BatchNorm2d)
        self.update_block = _Update()
        self.mask_predictor = _Mask()

    def forward(self, first: torch.Tensor, second: torch.Tensor, updates: int = UPDATES) -> torch.Tensor:
        """Flow in pixels [n, 2, h, w] (x, y) for pictures [n, 3, h, w] in -1..1; h and w are multiples of 8, >= 128."""
        features = self.feature_encoder(torch.cat([first, second]))
        pyramid = _correlations(*features.chunk(2))
        hidden, context = self.context_encoder(first).split(HIDDEN, 1)
        hidden, context = torch.tanh(hidden), torch.relu(context)
        start = _places(first.shape[0], first.shape[-2] // DOWN, first.shape[-1] // DOWN, first)
        now = start
        for _ in range(updates):
            hidden, change = self.update_block(hidden, context, _look_up(pyramid, now), now - start)
            now = now + change
        return _enlarge(now - start, self.mask_predictor(hidden))


def _places(count: int, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([columns, rows]).to(like).expand(count, -1, -1, -1)


def _correlations(first: torch.Tensor, second: torch.Tensor) -> list[torch.Tensor]:
    """How each place of the first is like each of the second, in ever coarser seconds: [n * h * w, 1, h', w']."""
    count, width, rows, columns = first.shape
    like = torch.matmul(first.flatten(2).transpose(1, 2), second.flatten(2)) / width**0.5
    levels = [like.reshape(count * rows * columns, 1, rows, columns)]
    for _ in range(LEVELS - 1):
        levels.append(functional.avg_pool2d(levels[-1], 2, 2))
    return levels


def _look_up(pyramid: list[torch.Tensor], places: torch.Tensor) -> torch.Tensor:
    """The correlations in a window around each place, all levels: [n, levels * window, h, w].

    The window's slow axis moves along x and its fast one along y, as the published weights expect.
    """
    count, _, rows, columns = places.shape
    reach = torch.arange(-RADIUS, RADIUS + 1).to(places)
    window = torch.stack(torch.meshgrid(reach, reach, indexing="ij"), -1)[None]
    centre = places.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found = []
    for level, like in enumerate(pyramid):
        at = centre / 2**level + window
        size = torch.tensor([like.shape[-1] - 1, like.shape[-2] - 1]).to(places)
        seen = functional.grid_sample(like, 2 * at / size - 1, align_corners=True)
        found.append(seen.reshape(count, rows, columns, -1))
    return torch.cat(found, -1).permute(0, 3, 1, 2)


def _enlarge(flow: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Flow [n, 2, h, w] in eight times the size, each pixel a convex mixture of nine neighbours."""
    count, _, rows, columns = flow.shape
    weights = mask.view(count, 1, 9, DOWN, DOWN, rows, columns).softmax(2)
    near = functional.unfold(DOWN * flow, 3, padding=1).view(count, 2, 9, 1, 1, rows, columns)
    fine = (weights * near).sum(2).permute(0, 1, 4, 2, 5, 3)
    return fine.reshape(count, 2, DOWN * rows, DOWN * columns)


def padded(pictures: torch.Tensor) -> torch.Tensor:
    """Sides brought to multiples of 8 by repeating the rim, half on each side (the rest right and below)."""
    height, width = pictures.shape[-2:]
    down, right = -height % DOWN, -width % DOWN
    return functional.pad(pictures, (right // 2, right - right // 2, down // 2, down - down // 2), mode="replicate")


def load_raft(file: Path) -> Raft:
    """RAFT with the weights of a safetensors file. Raises `WeightsFileError` where they are not all there."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = Raft()
    try:
        model.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsFileError(f"{file} does not hold the weights of RAFT large: {str(error).splitlines()[0]}",
                               fix="Take torchvision's raft_large C_T_V1, stored as safetensors.") from error
    return model.eval()
