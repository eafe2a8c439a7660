"""Several agents' policies -> the policy of one file that serves them all; refuses those that are unlike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from exporters.contract import Policy
from exporters.errors import SpecError
from exporters.sharing import SharedSpec, shared_spec

INSTEAD = "export without shared, one file an agent"


class JoinedPolicy:
    """The policy of all agents of one network; satisfies `Policy`.

    Args:
        team: the agents' policies, alike but for who they are.

    Raises:
        SpecError: naming in what they differ.
    """

    def __init__(self, team: Sequence[Policy]) -> None:
        self._spec = shared_spec([policy.spec for policy in team])
        modules = [_shared_module(policy) for policy in team]
        self._module = modules[0]
        for policy, module in zip(team[1:], modules[1:], strict=True):
            if (name := _unlike(self._module, module)) is not None:
                raise SpecError(
                    f"{policy.spec.agent_id} cannot share a file with {team[0].spec.agent_id}: they do not share "
                    f"weights ({name} differs); {INSTEAD}"
                )

    @property
    def spec(self) -> SharedSpec:
        """What the file takes and gives."""
        return self._spec

    def module(self) -> nn.Module:
        """Return the module that serves all."""
        return self._module


def _shared_module(policy: Policy) -> nn.Module:
    give: Callable[[], nn.Module] | None = getattr(policy, "shared_module", None)
    if give is None:
        raise SpecError(
            f"{policy.spec.agent_id}'s policy is a {type(policy).__name__} without shared_module(), which would take "
            f"agent_index; {INSTEAD}"
        )
    return give()


def _unlike(one: nn.Module, other: nn.Module) -> str | None:
    """Return the name of the first tensor in which two modules differ; None if there is none."""
    first, second = one.state_dict(), other.state_dict()
    for name in (*first, *second):
        if name not in first or name not in second or not torch.equal(first[name], second[name]):
            return name
    return None
