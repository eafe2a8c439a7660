from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks.packing import pack
from rmix_kit.risk.operators import cvar_levels, level_weights, straight_through
from rmix_kit.types import Progress
from tests.algorithms.cases import PROGRESS, batch_for, build, make_learner, small

QUANTILES = torch.tensor([1.0, 2.0, 3.0, 4.0])
SCORES = torch.zeros(2)


def test_the_straight_through_gradient_is_that_of_the_expected_cvar() -> None:
    # C_1 = 1.5, C_2 = 2.5, p = (1/2, 1/2): d(sum p_k C_k)/ds = p_k (C_k - 2) = (-1/4, 1/4)
    scores = SCORES.clone().requires_grad_()
    by_level = cvar_levels(QUANTILES, level_weights(2, 4))
    (slope,) = torch.autograd.grad(straight_through(scores.softmax(-1), by_level), [scores])
    torch.testing.assert_close(slope, torch.tensor([-0.25, 0.25]))


def test_the_straight_through_term_is_zero_in_value() -> None:
    by_level = cvar_levels(QUANTILES, level_weights(2, 4))
    assert straight_through(SCORES.softmax(-1), by_level).item() == 0.0


def test_the_straight_through_term_gives_the_quantiles_no_gradient() -> None:
    quantiles = QUANTILES.clone().requires_grad_()
    value = straight_through(SCORES.requires_grad_().softmax(-1), cvar_levels(quantiles, level_weights(2, 4)))
    found: list[Tensor | None] = list(torch.autograd.grad(value, [quantiles], allow_unused=True))
    assert found == [None]


def predictor_slopes(risk_gradient: str, group: str) -> list[Tensor | None]:
    algorithm = small(RMIX, risk_gradient=risk_gradient)
    online, target = build(algorithm)
    loss = algorithm.losses(online, target, batch_for(algorithm), PROGRESS).groups[group]
    predictor = [p for name, p in online.named_parameters() if name.startswith("agent.predictor.")]
    return list(torch.autograd.grad(loss, predictor, allow_unused=True))


def test_the_td_loss_gives_the_predictor_no_gradient_where_it_is_frozen() -> None:
    assert all(slope is None for slope in predictor_slopes("none", "td"))


@pytest.mark.parametrize("risk_gradient", ["straight_through", "soft"])
def test_the_td_loss_trains_every_part_of_the_predictor(risk_gradient: str) -> None:
    assert all(slope is not None and slope.abs().sum() > 0 for slope in predictor_slopes(risk_gradient, "td"))


@pytest.mark.parametrize("risk_gradient", ["none", "straight_through", "soft"])
def test_a_quantile_step_never_changes_the_predictor(risk_gradient: str) -> None:
    algorithm = small(RMIX, risk_gradient=risk_gradient, quantile_every_updates=1)
    learner = make_learner(algorithm)
    before = {name: p.clone() for name, p in learner.online.named_parameters()}
    learner.update(batch_for(algorithm), PROGRESS)
    changed = {name for name, p in learner.online.named_parameters() if not torch.equal(p, before[name])}
    assert {name.split(".")[1] for name in changed} == {"encoder", "head"}


def test_a_quantile_step_never_changes_the_mixer() -> None:
    algorithm = small(RMIX, quantile_every_updates=1)
    learner = make_learner(algorithm)
    before = {name: p.clone() for name, p in learner.online.named_parameters()}
    learner.update(batch_for(algorithm), PROGRESS)
    assert all(torch.equal(p, before[n]) for n, p in learner.online.named_parameters() if n.startswith("mixer."))


def test_a_dummy_reward_puts_the_agents_own_value_in_place_of_the_reward() -> None:
    # With gamma 0 the paper's target is the constant C_i, which no reward can move.
    algorithm = small(RMIX, distribution_target="dummy", gamma=0.0)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    other = replace(batch, reward=batch.reward + 7.0)
    first = algorithm.losses(online, target, batch, PROGRESS).groups["quantile"]
    assert torch.equal(algorithm.losses(online, target, other, PROGRESS).groups["quantile"], first)


def groups_due(algorithm: RMIX, steps_per_update: int, updates: int, success: float) -> list[set[str]]:
    online, target = build(algorithm)
    batch = batch_for(algorithm, lengths=(2, 1))
    progress, due = Progress(best_success_rate=success), []
    for _ in range(updates):
        progress = progress.advanced(progress.env_steps + steps_per_update)
        due.append(set(algorithm.losses(online, target, batch, progress).groups))
    return due


def paper_schedule(interval: int = 50) -> RMIX:
    algorithm = small(RMIX, quantile_interval=interval, quantile_every_updates=0, quantile_start_steps=10**9)
    assert isinstance(algorithm, RMIX)
    return algorithm


def test_a_share_of_one_unlocks_nothing_even_at_the_end() -> None:
    end = Progress(env_steps=1000, previous_env_steps=0, share=1.0)
    assert not replace(paper_schedule(), quantile_start_share=1.0).is_quantile_due(end)
    assert replace(paper_schedule(), quantile_start_share=0.9).is_quantile_due(end)


def test_no_quantile_step_is_made_before_success() -> None:
    assert groups_due(paper_schedule(), 10, 20, success=0.34) == [{"td"}] * 20


def test_the_papers_schedule_adds_one_quantile_step_per_interval() -> None:
    due = groups_due(paper_schedule(), 10, 20, success=0.35)
    assert [index for index, groups in enumerate(due) if "quantile" in groups] == [4, 9, 14, 19]


def test_the_papers_schedule_never_drops_a_td_step() -> None:
    assert all("td" in groups for groups in groups_due(paper_schedule(), 10, 20, success=0.35))


def test_an_update_that_spans_several_intervals_makes_one_quantile_step() -> None:
    due = groups_due(paper_schedule(), 175, 4, success=1.0)
    assert due == [{"td", "quantile"}] * 4


def test_the_default_schedule_replaces_at_most_one_td_step_in_twenty() -> None:
    algorithm = RMIX(hidden_size=4, n_quantiles=2, n_risk_levels=2)
    due = groups_due(algorithm, 1000, 60, success=1.0)
    assert [index for index, groups in enumerate(due) if groups == {"quantile"}] == [19, 39, 59]


def test_the_default_schedule_makes_either_step_and_never_both() -> None:
    algorithm = RMIX(hidden_size=4, n_quantiles=2, n_risk_levels=2)
    assert all(len(groups) == 1 for groups in groups_due(algorithm, 1000, 60, success=1.0))


def test_steps_can_unlock_the_quantile_loss_without_success() -> None:
    algorithm = small(RMIX, quantile_interval=10, quantile_every_updates=0, quantile_start_steps=55)
    assert isinstance(algorithm, RMIX)
    due = groups_due(algorithm, 10, 7, success=0.0)
    assert [index for index, groups in enumerate(due) if "quantile" in groups] == [5, 6]


@pytest.mark.parametrize("seed", range(3))
def test_the_joint_value_never_falls_when_an_agents_cvar_rises(seed: int) -> None:
    algorithm = small(RMIX)
    assert isinstance(algorithm, RMIX)
    online, _ = build(algorithm, seed)
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(4, 5, 2, generator=generator).requires_grad_()
    joint = online.mixer(values, torch.randn(4, 5, 5, generator=generator))
    (slope,) = torch.autograd.grad(joint.sum(), [values])
    assert (slope >= 0).all()


@pytest.mark.parametrize("n_quantiles", [10, 1])
def test_values_are_finite_with_as_many_levels_as_quantiles_or_more(n_quantiles: int) -> None:
    algorithm = RMIX(hidden_size=8, n_quantiles=n_quantiles, n_risk_levels=10)
    online, target = build(algorithm)
    losses = algorithm.losses(online, target, batch_for(algorithm), Progress())
    assert losses.groups["td"].isfinite()


def test_predicted_levels_lie_on_the_grid() -> None:
    algorithm = small(RMIX)
    online, _ = build(algorithm)
    output = online.agent.unroll(batch_for(algorithm))
    levels = pack(output.risk_level, output.packing)  # [row]
    assert set(levels.flatten().tolist()) <= set((torch.arange(1, 4) / 3).tolist())


def test_only_a_share_that_decides_binds_the_plan() -> None:
    assert small(RMIX).shares_of_plan == {}
    assert small(RMIX, quantile_start_share=0.5).shares_of_plan == {"algorithm.quantile_start_share": 0.5}
