"""The errors of this package: what was given, what was expected, what to do. Standard library only."""

from typing import NoReturn


class ExportError(Exception):
    """Root of everything this package raises on purpose."""


class SpecError(ExportError, ValueError):
    """A policy or tensor specification contradicts itself or cannot be read."""


class PolicyError(ExportError):
    """A policy's module does not do what its specification and the policy contract say."""


class ParityError(ExportError):
    """A frozen policy answers differently from the torch module that it was made from.

    Attributes:
        format: "onnx" or "torchscript".
        agent_id: the agent whose file differs.
        output: name of the output tensor.
        step: recurrent step, from 0.
        batch: batch size of the rollout.
        difference: largest absolute difference found in that output at that step.
    """

    def __init__(self, *, format: str, agent_id: str, output: str, step: int, batch: int, difference: float) -> None:
        self.format = format
        self.agent_id = agent_id
        self.output = output
        self.step = step
        self.batch = batch
        self.difference = difference
        super().__init__(
            f"{format} file of {agent_id}: output {output!r} differs from torch at step {step} with batch {batch}, "
            f"largest difference {difference:.3g}; nothing was exported"
        )


class AgreementError(ExportError):
    """A quantised policy acts too differently from the one that it was made from; nothing was exported."""


class BundleError(ExportError):
    """An exported folder or file is missing, damaged, renamed, foreign or too new."""


class UnsupportedError(ExportError):
    """This machine's Python or libraries cannot read or write the asked format."""


class InvalidInputError(ExportError, ValueError):
    """A tensor handed to an agent has the wrong name, type, shape or value."""


class InvalidObservationError(InvalidInputError):
    """The guards of the policy refused a step: bad observation, empty mask or bad risk level; memory is unchanged."""


def refuse_copy(actor: object) -> NoReturn:
    """Refuse to pickle or copy an agent or a team: a step writes into arrays that its graph knows by their address.

    Raises:
        UnsupportedError: always.
    """
    raise UnsupportedError(
        f"{type(actor).__name__} cannot be pickled or copied: it holds an open graph and an episode's memory; hand on "
        "what it was made from, such as the exported folder's path, and open it where it acts"
    )
