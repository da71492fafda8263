"""Ends a generation at the next token once a cancel was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...events import CancelToken

if TYPE_CHECKING:
    import torch


def stop_on(cancel: CancelToken) -> Any:
    """transformers' stopping criteria that look at the token; the caller raises `Cancelled` afterwards."""
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Stop(StoppingCriteria):
        def __call__(self, input_ids: torch.Tensor, *_args: Any, **_kwargs: Any) -> torch.Tensor:
            import torch

            return torch.full((input_ids.shape[0],), cancel.cancelled, dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([Stop()])
