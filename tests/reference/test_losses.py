from __future__ import annotations

from dataclasses import replace

import pytest

from tests.algorithms.cases import PROGRESS
from tests.reference import coma, dmix, dop, lh_iqn, qtran, riskq, rmix, rmix_averse, value_decomposition, wqmix
from tests.reference.cases import BATCHES, CASES, Reference, assert_like_reference, draw, gradients, stirred

REFERENCES: dict[str, dict[str, Reference]] = {
    "iql": {"td": value_decomposition.independent_loss},
    "vdn": {"td": value_decomposition.loss},
    "qmix": {"td": value_decomposition.loss},
    "qplex": {"td": value_decomposition.loss},
    "qtran": {"td": qtran.loss},
    "cw-qmix": {"td": wqmix.loss},
    "ow-qmix": {"td": wqmix.loss},
    "coma": {"critic": coma.critic_loss, "actor": coma.policy_loss},
    "dop": {"critic": dop.critic_loss, "actor": dop.policy_loss},
    "lh-iqn": {"quantile": lh_iqn.loss},
    "dmix": {"quantile": dmix.loss},
    "ddn": {"quantile": dmix.loss},
    "riskq": {"quantile": riskq.loss},
    "rmix-averse": {"quantile": rmix_averse.loss},
    "rmix": {"td": rmix.td_loss, "quantile": rmix.quantile_loss},
    "rdn": {"td": rmix.td_loss, "quantile": rmix.quantile_loss},
}


@pytest.mark.parametrize("kind", BATCHES)
@pytest.mark.parametrize("name", CASES)
def test_every_loss_and_its_gradients_are_those_of_the_plain_reference(name: str, kind: str) -> None:
    algorithm, seed = CASES[name], list(BATCHES).index(kind)
    batch = draw(BATCHES[kind], algorithm, seed)
    networks = stirred(algorithm, BATCHES[kind].spec, seed)
    groups = algorithm.losses(*networks, batch, PROGRESS).groups
    references = REFERENCES[algorithm.name]
    assert set(groups) == set(references)
    for group, reference in references.items():
        assert_like_reference(groups[group], reference, algorithm, group=group, networks=networks, batch=batch)


def test_a_batch_in_which_every_teammate_explored_teaches_rmix_averse_nothing() -> None:
    algorithm, kind = CASES["rmix-averse"], BATCHES["several lengths"]
    networks, batch = stirred(algorithm, kind.spec, 0), draw(kind, algorithm, 0)
    batch = replace(batch, is_explored=batch.mask.unsqueeze(-1).expand_as(batch.is_explored))
    loss = algorithm.losses(*networks, batch, PROGRESS).groups["quantile"]
    assert loss == 0
    assert all(slope.abs().max() == 0 for slope in gradients(loss, algorithm, "quantile", networks[0]).values())
