"""One file for several agents: what it takes besides, and whom it serves. Standard library only.

The network is the same for all, and each row of a batch says in `agent_index` which agent it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from exporters.contract import PolicySpec, TensorSpec
from exporters.errors import BundleError, SpecError

AGENT_INPUT = "agent_index"
_WHO = ("agent_id", "agent_index")  # all in which agents of one file differ


@dataclass(frozen=True, kw_only=True)
class SharedSpec(PolicySpec):
    """What a file for several agents takes and gives: what each of them does, and in `agent_index` who a row is.

    Attributes:
        served: agent id and agent_index of every agent that it serves; the fields besides are those of the first.
    """

    served: tuple[tuple[str, int], ...]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The input tensors of an agent, with `agent_index` before the carry."""
        own = super().inputs
        at = len(own) - len(self.carry)
        return (*own[:at], agent_input(self.n_agents), *own[at:])

    def of(self, agent_id: str) -> PolicySpec:
        """Return one agent's specification, which knows nothing of the others."""
        own = {field.name: getattr(self, field.name) for field in fields(PolicySpec)}
        return PolicySpec(**{**own, "agent_id": agent_id, "agent_index": dict(self.served)[agent_id]})

    def shared_json(self) -> dict[str, object]:
        """Return what a file tells besides the first agent's specification; `shared_from` reads it."""
        return {"agent_input": AGENT_INPUT, "agents": dict(self.served)}


def agent_input(n_agents: int) -> TensorSpec:
    """Return the tensor that says which agent each row is."""
    return TensorSpec(
        name=AGENT_INPUT,
        shape=(),
        dtype="int64",
        low=(0.0,),
        high=(n_agents - 1.0,),
        description=f"which agent the row is: its place in the team, 0 to {n_agents - 1}",
    )


def shared_spec(specs: Sequence[PolicySpec]) -> SharedSpec:
    """Return what one file for these agents takes and gives.

    Raises:
        SpecError: naming what differs, if they are not alike.
    """
    first, *others = specs
    for other in others:
        for field in fields(PolicySpec):
            one, two = getattr(first, field.name), getattr(other, field.name)
            if field.name not in _WHO and one != two:
                raise SpecError(
                    f"{other.agent_id} cannot share a file with {first.agent_id}: its {field.name} is "
                    f"{_short(two)}, not {_short(one)}; export without shared, one file an agent"
                )
    own = {field.name: getattr(first, field.name) for field in fields(PolicySpec)}
    return SharedSpec(**own, served=tuple((spec.agent_id, spec.agent_index) for spec in specs))


def spec_from(metadata: Mapping[str, object], where: str) -> PolicySpec:
    """Return the specification that a file carries: an agent's, or a `SharedSpec`.

    Args:
        metadata: of the file, by key.

    Raises:
        BundleError: if it carries none.
    """
    try:
        spec = PolicySpec.from_json(metadata.get("spec"))
        return spec if "shared" not in metadata else _shared_from(spec, metadata["shared"])
    except SpecError as error:
        raise BundleError(f"{where} has a bad specification in its metadata: {error}") from error


def _shared_from(spec: PolicySpec, told: object) -> SharedSpec:
    """Return what `SharedSpec.shared_json` told.

    Args:
        spec: the first agent's specification.
        told: what the file tells of the others.
    """
    if not isinstance(told, Mapping) or set(told) != {"agent_input", "agents"} or told["agent_input"] != AGENT_INPUT:
        raise SpecError(f"shared is {told!r}; expected agent_input {AGENT_INPUT!r} and agents")
    if not isinstance(told["agents"], Mapping) or not told["agents"]:
        raise SpecError(f"shared agents are {told['agents']!r}; expected agent ids and their places")
    return shared_spec([replace(spec, agent_id=name, agent_index=place) for name, place in told["agents"].items()])


def common_spec(specs: Sequence[PolicySpec]) -> SharedSpec | None:
    """Return what a team's one file takes and gives, where it has one that serves all; else None."""
    (first, *others) = specs
    return first if isinstance(first, SharedSpec) and not others else None


def spec_of_agent(spec: PolicySpec, agent_id: str | None, where: str) -> PolicySpec:
    """Return the specification of the agent that acts by a file.

    Args:
        spec: what the file says.
        agent_id: who shall act; None for the only one.

    Raises:
        BundleError: if the file serves several and none is named, or not the one that is.
    """
    names = [name for name, _ in spec.served] if isinstance(spec, SharedSpec) else [spec.agent_id]
    if agent_id is None and isinstance(spec, SharedSpec):
        raise BundleError(
            f"{where} serves {', '.join(names)} together; open its folder as a team, or say which agent acts: "
            f"agent={names[0]!r}"
        )
    if agent_id is not None and agent_id not in names:
        raise BundleError(f"{where} serves {', '.join(names)}; there is no {agent_id!r} in it")
    return spec.of(agent_id) if isinstance(spec, SharedSpec) and agent_id is not None else spec


def _short(value: object) -> object:
    if isinstance(value, TensorSpec):
        return f"{value.form} within other bounds or of another meaning" if value.low or value.high else value.form
    if isinstance(value, tuple) and value and isinstance(value[0], TensorSpec):
        return ", ".join(f"{tensor.name} {tensor.form}" for tensor in value)
    return repr(value)
