"""A pretended device, so that what a GPU would refuse or wait for shows on a processor.

Its tensors compute on the processor and say that they lie on the device `DEVICE`. An operation on tensors of both
devices is refused, as a GPU refuses it. Places where a GPU would have to be waited for, and copies between the two,
are counted.
"""

from __future__ import annotations

import traceback
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import torch
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._foreach_utils import _get_fused_kernels_supported_devices as fused_devices
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "meta"
"""The name of the device: torch knows it and takes it for no processor, and no computer has one."""
WAITED_FOR = {
    *("_local_scalar_dense", "nonzero", "masked_select", "_unique", "_unique2", "unique_dim", "unique_consecutive"),
    *("equal", "bincount", "repeat_interleave"),
}
"""Operations whose result, or its size, the processor must know."""
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
"""Operations that take indices of the processor, too, and wait where these are masks."""
COPIES = {"_to_copy", "copy_"}
MADE: set[Any] = {torch.tensor, torch.as_tensor}
FROM_DATA = MADE | {torch.Tensor.new_tensor}
"""Functions that make tensors of lists and arrays; torch would leave those of `DEVICE` empty."""


class FarTensor(torch.Tensor):
    """A tensor of the pretended device."""

    near: torch.Tensor
    """What it holds, on the processor."""
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls: type[FarTensor], near: torch.Tensor) -> FarTensor:
        """Return a tensor of the device that holds this one."""
        strided = near if near.layout == torch.strided else torch.empty(near.shape, device=DEVICE)
        made: FarTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=strided.stride(),
            storage_offset=strided.storage_offset(),
            dtype=near.dtype,
            device=torch.device(DEVICE),
        )
        made.near = near
        return made

    def __repr__(self, **_: object) -> str:  # type: ignore[override]
        return f"FarTensor({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, *_: Any) -> Any:
        raise RuntimeError(f"{func} of a pretended device that is gone")


class PinnedTensor(torch.Tensor):
    """A tensor of the processor in memory that is said to be pinned."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


class _Values(TorchFunctionMode):
    """Makes tensors of values, and values of tensors, which torch does by other ways than its operations."""

    def __init__(self, waits: Counter[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.Tensor.tolist and isinstance(args[0], FarTensor):
            self.waits[place()] += 1
            return args[0].near.tolist()
        if func is torch.Tensor.pin_memory:  # torch pins only where there is a GPU
            return args[0].clone().as_subclass(PinnedTensor)
        if func not in FROM_DATA or any(isinstance(value, FarTensor) for value in args[:1] if func in MADE):
            return func(*args, **kwargs)
        device = kwargs.get("device") or (args[0].device if func not in MADE else None)
        if device is None or not is_far(device):
            return func(*args, **kwargs)
        values = args if func in MADE else args[1:]
        return torch.as_tensor(*values, **{**kwargs, "device": "cpu"}).to(device)


def is_far(device: torch.device | str) -> bool:
    """Return whether a device, as torch or as its name, is the pretended one."""
    kind: str = torch.device(device).type
    return kind == DEVICE


class FarDevice(TorchDispatchMode):
    """While it is entered, `DEVICE` is a device like others. It counts what a GPU would wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        """Place in the code -> how often the processor had to wait there."""
        self.copies: Counter[str] = Counter()
        """Place in the code -> how many copies came there from memory that is not pinned, or were waited for."""
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        supported = [*fused_devices(), DEVICE]
        self.stack.enter_context(patch.object(optimizer, fused_devices.__name__, lambda: supported))
        self.stack.enter_context(_Values(self.waits))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.stack.close()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = func.overloadpacket.__name__, dict(kwargs or {})
        tensors = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        far = [tensor for tensor in tensors if isinstance(tensor, FarTensor)]
        goes_far = is_far(kwargs["device"]) if kwargs.get("device") is not None else None
        if not far and not goes_far:
            return func(*args, **kwargs)
        self.note(name, args, kwargs, goes_far)
        refuse_both(name, tensors)
        if goes_far is not None:
            kwargs["device"] = "cpu"
        near = tree_map(lambda value: value.near if isinstance(value, FarTensor) else value, (args, kwargs))
        found = func(*near[0], **near[1])
        if torch.Tag.inplace_view in func.tags:
            with no_dispatch():
                func(*args, **kwargs)  # the outer tensor changes its shape, too
        if goes_far is False or (name == "copy_" and not isinstance(args[0], FarTensor)):
            return found
        known = {id(tensor.near): tensor for tensor in far}
        return tree_map(lambda value: known.get(id(value)) if id(value) in known else self.moved(value), found)

    @staticmethod
    def moved(value: Any) -> Any:
        """Return a tensor as one of the pretended device, and anything else as it is."""
        return FarTensor(value) if isinstance(value, torch.Tensor) else value

    def note(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], goes_far: bool | None) -> None:
        """Count what a GPU would have to be waited for, and a copy that would not go on by itself."""
        if name in WAITED_FOR or (name in INDEXED and any(is_mask(index) for index in args[1])):
            self.waits[place()] += 1
        elif name in COPIES:
            source, target = (args[1], args[0]) if name == "copy_" else (args[0], None)
            to_far = isinstance(target, FarTensor) if name == "copy_" else goes_far
            from_far = isinstance(source, FarTensor)
            if from_far and to_far is False:
                self.waits[place()] += 1
            elif to_far and not from_far and source.dim() and not is_pinned(source, kwargs):
                self.copies[place()] += 1


def is_pinned(source: torch.Tensor, kwargs: dict[str, Any]) -> bool:
    """Return whether a copy of a tensor goes on by itself."""
    return isinstance(source, PinnedTensor) and bool(kwargs.get("non_blocking"))


def refuse_both(name: str, tensors: Sequence[torch.Tensor]) -> None:
    """Raise a RuntimeError where tensors of both devices meet; single numbers and indices may."""
    near = [tensor for tensor in tensors if not isinstance(tensor, FarTensor) and tensor.dim()]
    if near and len(near) < len(tensors) and name not in COPIES | INDEXED:
        raise RuntimeError(f"{name} of tensors on two devices, at {place()}; `setup.device` is where they belong")


def is_mask(index: object) -> bool:
    """Return whether an index chooses places by true and false."""
    return isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8)


def place() -> str:
    """Return the file and line outside of torch and of this module that runs."""
    for frame in reversed(traceback.extract_stack()):
        if "/torch/" not in frame.filename and frame.filename != __file__:
            return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno}"
    return "?"
