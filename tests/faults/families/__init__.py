"""Every kind of fault that the corpus makes, and its share."""

from __future__ import annotations

from tests.faults.cases import Family
from tests.faults.families import bundles, clocks, meanwhile, named_code, running, runs, settings, tensors, texts, wire

FAMILIES: dict[str, Family] = {
    "bytes of a run": Family(runs.damaged_bytes, 2_000),
    "facts of a run": Family(runs.changed_facts, 1_500),
    "tensors of a run": Family(tensors.changed_tensors, 500),
    "members that lead out": Family(runs.members_that_lead_out, 500),
    "bytes of an export": Family(bundles.damaged_bytes, 1_200),
    "facts of an export": Family(bundles.changed_facts, 1_000),
    "structure of ONNX": Family(bundles.changed_onnx, 1_500),
    "golden rollouts": Family(bundles.changed_golden, 400),
    "environment texts": Family(texts.environment_texts, 1_000),
    "settings": Family(settings.settings, 1_000),
    "configuration files": Family(settings.configuration_files, 500),
    "map files": Family(texts.map_files, 500),
    "sweep files": Family(texts.sweep_files, 400),
    "records": Family(texts.records, 400),
    "code that data names": Family(named_code.code_that_data_names, 400),
    "messages of a game's process": Family(wire.messages, 800),
    "a disk that is full": Family(running.full_disk, 300),
    "two writers": Family(meanwhile.two_writers, 100),
    "a stream that goes away": Family(meanwhile.lost_streams, 100),
    "a clock that jumps": Family(clocks.jumping_clock, 100),
}
