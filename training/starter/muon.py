"""Muon for matrices and convolutions: momentum whose update is made nearly orthogonal.

Method: K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024), with the quintic
Newton-Schulz iteration and its coefficients. torch's own class takes matrices only; the autoencoder is convolutions.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5


def orthogonal(updates: torch.Tensor) -> torch.Tensor:
    """Matrices [N, rows, columns] with the singular vectors of `updates` and singular values near one; in bfloat16."""
    a, b, c = _COEFFICIENTS
    x = updates.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).to(updates.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum of 0.95, orthogonal updates, decoupled weight decay. Parameters have two dimensions or more.

    Parameters of one shape are made orthogonal together.
    """

    def __init__(self, params: Iterable[torch.nn.Parameter], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": 0.95, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for alike in shapes.values():
                updates = orthogonal(torch.stack([self._update(p, group["momentum"]) for p in alike]))
                scale = max(1.0, updates.shape[1] / updates.shape[2]) ** 0.5
                for p, update in zip(alike, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.view_as(p), alpha=-group["lr"] * scale)

    def _update(self, p: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        """The gradient's running mean, a step ahead, as a matrix."""
        assert p.grad is not None
        state = self.state[p]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(state["momentum"], momentum).flatten(1)


class Optimizers:
    """Several optimizers, each with its own peak rate, that are stepped, scheduled and saved together."""

    def __init__(self, *pairs: tuple[torch.optim.Optimizer, float]) -> None:
        self.pairs = pairs

    def step(self, share: float) -> None:
        """One step of each at `share` (0 to 1) of its peak rate; gradients are cleared."""
        for optimizer, peak in self.pairs:
            for group in optimizer.param_groups:
                group["lr"] = peak * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, object]:
        return {str(at): optimizer.state_dict() for at, (optimizer, _) in enumerate(self.pairs)}

    def load_state_dict(self, state: dict[str, dict[str, object]]) -> None:
        for at, (optimizer, _) in enumerate(self.pairs):
            optimizer.load_state_dict(state[str(at)])
