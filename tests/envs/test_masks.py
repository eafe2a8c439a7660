"""What is read as a mask, and what is noticed that is not."""

from __future__ import annotations

import pytest

from rmix_kit.envs.interface import VectorEnv, notes_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import EnvironmentContractError

HERE = "pettingzoo:tests.envs.masked_strangers."


def _made(name: str, num_envs: int = 1) -> VectorEnv:
    return make_vector_env(f"{HERE}{name}", num_envs)


@pytest.mark.parametrize("form", ["dict", "list"])
def test_masks_of_all_agents_beside_their_infos_are_read(form: str) -> None:
    step = make_vector_env(f"{HERE}TellsAll?form={form}", 1).reset([0])
    assert step.avail_actions[0].tolist() == [[False, True, False]] * 3


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("TellsAll?what=legal", "legal"),
        ("Hints?what=a_list_of_actions", "legal_actions"),
        ("Hints?what=a_mapping_of_actions", "legal_actions"),
        ("Hints?what=a_column", "valid_actions"),
    ],
)
def test_a_mask_under_an_unknown_name_or_of_another_form_is_noticed(name: str, key: str) -> None:
    with pytest.raises(EnvironmentContractError, match=f"a is given '{key}'.*append mask={key}"):
        make_vector_env(f"{HERE}{name}", 1)


@pytest.mark.parametrize("what", ["numbers", "additive"])
def test_a_mask_of_other_numbers_than_zero_and_one_is_refused(what: str) -> None:
    with pytest.raises(EnvironmentContractError, match="a's action_mask is .*expected one 0 or 1 per action"):
        make_vector_env(f"{HERE}Hints?what={what}", 1)


@pytest.mark.parametrize("text", ["Hints?what=a_count", "Hints?what=a_list", "Hints?what=a_list_of_actions&mask=none"])
def test_what_is_no_mask_stops_nobody(text: str) -> None:
    assert make_vector_env(f"{HERE}{text}", 1).reset([0]).avail_actions.all()


def test_a_mask_method_under_sb3s_name_is_read() -> None:
    step = make_vector_env(f"{HERE}MaskedByMethod", 1).reset([0])
    assert step.avail_actions[0].tolist() == [[True, False, True]] * 3


def test_a_mask_method_under_an_unknown_name_is_said_and_can_be_named() -> None:
    assert any("legal_moves() is not read as a mask" in note for note in notes_of(_made("MaskedUnheard")))
    named = _made("MaskedUnheard?mask=legal_moves")
    assert named.reset([0]).avail_actions[0].tolist() == [[False, True, True]] * 3
    assert len(notes_of(named)) == len(notes_of(_made("MaskedUnheard?mask=none"))) == 1


def test_a_mask_in_words_is_refused() -> None:
    with pytest.raises(EnvironmentContractError, match=r"step 0: a's action_mask has shape \(\)"):
        _made("Hints?what=text")


def test_a_mask_attribute_is_read_anew_at_every_step() -> None:
    envs = _made("MaskedByAttribute")
    first, second = envs.reset([0]), envs.step([[1, 1, 1]])
    assert first.avail_actions[0].tolist() == [[True, True, False]] * 3
    assert second.avail_actions[0].tolist() == [[False, True, True]] * 3


def test_a_mask_attribute_under_an_unknown_name_is_said() -> None:
    assert any(
        "legal_moves is not read as a mask; mask=legal_moves does" in note for note in notes_of(_made("MaskedInside"))
    )
    step = _made("MaskedInside?mask=legal_moves").reset([0])
    assert step.avail_actions[0].tolist() == [[False, True, True]] * 3
