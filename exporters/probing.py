"""Tries a policy's module before it is traced, so that what cannot be frozen is refused in our words."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from exporters.contract import Policy, PolicySpec
from exporters.errors import ParityError, PolicyError
from exporters.tracing import Positional, check_outputs, example_inputs, in_a_line

ROWS = 64  # so many that an action drawn in each is not twice the same by chance
_LOOKS = {"__bool__", "__float__", "__int__", "__index__", "item", "tolist", "numpy", "equal", "allclose", "is_nonzero"}
_CHANGED_BY_TRAINING = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)
_OURS = (str(Path(torch.__file__).parent), str(Path(__file__).parent))


def probe(policy: Policy) -> list[str]:
    """Run a policy's module as it will be traced, without tracing it.

    Returns:
        The places where it takes a value out of a tensor that depends on its inputs, which no file repeats: why it
        cannot be frozen, if it cannot. Code that goes another way while it is traced may have such places.

    Raises:
        PolicyError: in one line, for a module that cannot be frozen, or that would act otherwise when it is.
    """
    spec, module = policy.spec, policy.module()
    if not isinstance(module, nn.Module):
        raise PolicyError(f"{spec.agent_id}'s module() gives a {type(module).__name__}; expected a torch.nn.Module")
    for name, part in module.named_modules():
        if part.training and isinstance(part, _CHANGED_BY_TRAINING):
            kind = "dropout" if isinstance(part, nn.modules.dropout._DropoutNd) else "normalisation"
            raise PolicyError(
                f"{spec.agent_id}'s module is in train mode, and its {kind} {name} ({type(part).__name__}) acts "
                "otherwise there than when it is frozen; call eval() on it first"
            )
    frozen, inputs = Positional(policy), example_inputs(spec, ROWS)
    watch = _Looks(inputs)
    with torch.no_grad():
        with watch:
            first = _outputs(spec, frozen, inputs)
        second = _outputs(spec, frozen, inputs)
    _check_same(spec, first, second)
    return watch.places


@contextmanager
def blaming(spec: PolicySpec, places: list[str]) -> Iterator[None]:
    """Give the places that `probe` found as the reason, where a module cannot be frozen."""
    try:
        yield
    except (PolicyError, ParityError) as error:
        if not places:
            raise
        raise PolicyError(
            f"{spec.agent_id}'s module decides by the value of a tensor at {places[0]}; a file would keep what it "
            "decided once: use torch.where, which holds both ways"
        ) from error


def _outputs(spec: PolicySpec, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    try:
        return check_outputs(spec, module(*inputs))
    except PolicyError as error:
        raise PolicyError(f"{error}{_of_float64(module)}") from error
    except Exception as error:  # whatever a person's module raises
        raise PolicyError(
            f"{spec.agent_id}'s module fails on inputs of its specification: {in_a_line(error)}{_of_float64(module)}"
        ) from error


def _of_float64(module: nn.Module) -> str:
    """Return a remark on float64 weights, which may be the cause; empty if there are none."""
    tensors = (*module.named_parameters(), *module.named_buffers())
    names = [name.removeprefix("policy.") for name, tensor in tensors if tensor.dtype == torch.float64]
    return f"; it has float64 weights ({names[0]}): call float() on it" if names else ""


def _check_same(spec: PolicySpec, first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> None:
    pairs = dict(zip(spec.output_names, zip(first, second, strict=True), strict=True))
    unlike = [name for name, (one, two) in pairs.items() if not torch.equal(one.nan_to_num(), two.nan_to_num())]
    if "action" in unlike and "action_values" not in unlike:
        raise PolicyError(
            f"{spec.agent_id}'s module draws its action; export probabilities: give them as action_values, set "
            'value_kind="probability", and give the likeliest allowed action; who acts may draw from them'
        )
    if unlike:
        raise PolicyError(
            f"{spec.agent_id}'s module gives other {', '.join(unlike)} when it is asked the same again: it draws "
            "(dropout?) or remembers; a memory belongs into the carry"
        )


class _Looks(TorchFunctionMode):
    """Notes where Python code outside torch takes a value out of a tensor that depends on some others.

    Args:
        inputs: these others.
    """

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.places: list[str] = []
        self._derived = {id(tensor): tensor for tensor in inputs}  # held, so that no id comes twice

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Collection[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Call the function, and note what depends on the inputs."""
        result = func(*args, **(kwargs or {}))
        if any(id(tensor) in self._derived for tensor in _tensors((args, kwargs))):
            name = getattr(func, "__name__", "")
            frame = sys._getframe(1)
            if name in _LOOKS and not frame.f_code.co_filename.startswith(_OURS):
                line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
                self.places.append(f"{frame.f_code.co_filename}:{frame.f_lineno} ({line})")
            changed = args[0] if name == "__setitem__" else result
            self._derived.update((id(tensor), tensor) for tensor in _tensors(changed))
        return result


def _tensors(value: object) -> list[Tensor]:
    """Return the tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
