"""The form of ``manifest.json``: of what type each value is that a checkpoint brings besides its tensors."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from annotated_types import Ge, Le

Count = Annotated[int, Ge(0)]
Some = Annotated[int, Ge(1)]
Share = Annotated[float, Ge(0), Le(1)]
Bounds = tuple[float | Literal["inf", "-inf"], ...]
Means = dict[str, tuple[float | Literal["inf", "-inf", "nan"], int]]
Numbers = dict[str, float | int | None]


class PrefixForm(TypedDict):
    """`rmix_kit.files.writing.Prefix`."""

    length: Count
    sha256: str


class FileForm(TypedDict):
    """`rmix_kit.files.writing.StoredFile`."""

    name: str
    bytes: Count
    sha256: str


class SegmentForm(TypedDict):
    """`rmix_kit.training.replay_files.Segment`."""

    first: Count
    end: Count
    file: FileForm


class SpecForm(TypedDict):
    """`rmix_kit.types.EnvSpec`."""

    n_agents: Some
    n_actions: Some
    obs_shape: tuple[Some, ...]
    obs_dtype: str
    obs_low: Bounds
    obs_high: Bounds
    state_size: Count
    episode_limit: Some
    agent_ids: tuple[str, ...]
    action_meanings: tuple[str, ...]
    obs_meanings: NotRequired[tuple[str, ...]]
    state_dtype: NotRequired[str]
    state_low: NotRequired[Bounds]
    state_high: NotRequired[Bounds]


class ProgressForm(TypedDict):
    """`rmix_kit.types.Progress`."""

    env_steps: Count
    previous_env_steps: Count
    episodes: Count
    updates: Count
    best_success_rate: Share
    reports_success: bool
    share: Share


class ReturnScaleForm(TypedDict):
    """`rmix_kit.training.return_scale.ReturnScale`."""

    squares: Annotated[float, Ge(0)]
    count: Count


class OpenEndForm(TypedDict):
    """`rmix_kit.training.state.TrainerState.open_end`."""

    metrics: NotRequired[PrefixForm]
    metrics_bytes: NotRequired[Count]  # format 5
    best_success_rate: Share
    reports_success: NotRequired[bool]
    means: Means
    evaluation: Numbers | None
    is_due: bool
    is_cut: NotRequired[bool]


class StateForm(TypedDict):
    """`rmix_kit.training.state.TrainerState`, and the counters of the learner and the replay."""

    streams: dict[str, dict[str, Any]]  # numpy checks what is in them
    env_steps: Count
    episodes: Count
    damaged_episodes: NotRequired[Count]
    resumed_inexactly: NotRequired[bool]
    extended_inexactly: NotRequired[str]
    update_debt: Annotated[float, Ge(0)]
    progress: ProgressForm
    best_success_rate: Share
    reports_success: NotRequired[bool]
    segment_start: Count
    means: Means
    return_scale: ReturnScaleForm
    last_copy_episodes: Count
    steps_since_copy: Count
    stepped_parameters: NotRequired[dict[str, Count]]
    open_end: OpenEndForm | None
    reward_range: tuple[float, float] | None


class ManifestForm(TypedDict):
    """`rmix_kit.training.manifest.Manifest`."""

    step: Count
    config: dict[str, Any]  # compared with the run's, which `RunConfig.from_dict` checks
    env_spec: SpecForm
    state: StateForm
    evaluation: Numbers | None
    metrics: NotRequired[PrefixForm]
    metrics_bytes: NotRequired[Count]  # format 5
    is_finished: bool
    is_interruption: bool
    files: tuple[FileForm, ...]
    segments: tuple[SegmentForm, ...]
