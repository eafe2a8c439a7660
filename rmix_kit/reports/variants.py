"""Runs of one algorithm with different presets or settings, told apart by name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rmix_kit.reports.groups import FREE_SETTINGS, INIT_FROM, all_settings_of, beginning_of
from rmix_kit.results import RunRecord


def name_presets(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return every run its preset's name in place of its algorithm's: one with another preset is not the algorithm's.

    An algorithm's own preset bears its name.

    Args:
        records: In any order.

    Returns:
        The same runs in the same order.
    """
    return [replace(record, algo=record.preset) for record in records]


def name_variants(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return every run its variant's name in place of its algorithm's, so that variants become groups of their own.

    The name is the preset's (an algorithm's own bears its name), and after it every setting laid over the preset in
    which the algorithm's runs on an environment differ: "rmix-quick", "rmix hidden_size=32".
    Of an algorithm with a run that does not say what was laid over its preset, every setting counts. Settings that
    change no result are left out. What else tells runs apart (steps, versions) still keeps them apart.

    Args:
        records: In any order.

    Returns:
        The same runs in the same order.
    """
    listed = list(records)
    by_algorithm: dict[str, list[RunRecord]] = defaultdict(list)
    for record in listed:
        by_algorithm[record.algo].append(record)
    is_told = {algo: all(run.overrides is not None for run in runs) for algo, runs in by_algorithm.items()}
    varied = {algo: _varied(runs, is_told=is_told[algo]) for algo, runs in by_algorithm.items()}
    named = []
    for record in listed:
        own = _settings(record, is_told=is_told[record.algo])
        settings = [f"{shown}={json.dumps(own[name])}" for name, shown in varied[record.algo].items() if name in own]
        named.append(replace(record, algo=" ".join((record.preset, *settings))))
    return named


def _by_env(runs: Iterable[RunRecord]) -> Iterable[Sequence[RunRecord]]:
    by_env: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        by_env[run.env].append(run)
    return by_env.values()


def _settings(run: RunRecord, *, is_told: bool) -> Mapping[str, Any]:
    """Return what is laid over a run's preset, or all its settings where that is not told of every run."""
    if is_told and run.overrides is not None:
        return {**run.overrides, **beginning_of(run)}
    return {name: value for name, value in all_settings_of(run).items() if "." in name or name == INIT_FROM}


def _varied(runs: Sequence[RunRecord], *, is_told: bool) -> Mapping[str, str]:
    """Name the settings in which runs differ, each with its last word where that tells which one it is."""
    found: set[str] = set()
    for there in _by_env(runs):
        settings = [_settings(run, is_told=is_told) for run in there]
        for name in {name for own in settings for name in own} - FREE_SETTINGS:
            if len({_written(own, name) for own in settings}) > 1:
                found.add(name)
    words = [name.rpartition(".")[2] for name in sorted(found)]
    return {name: word if words.count(word) == 1 else name for name, word in zip(sorted(found), words, strict=True)}


def _written(settings: Mapping[str, Any], name: str) -> str:
    return json.dumps(settings[name]) if name in settings else ""
