"""JSON schemas of what people write, made from the classes that it becomes: for editors, which complete and check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from pydantic import TypeAdapter

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.descriptions import descriptions
from rmix_kit.config.document import preset_names
from rmix_kit.config.schema import INIT_FROM, Device, InitialWeights, RunConfig, TrainingSettings
from rmix_kit.files.forms import hints_of
from rmix_kit.types import PositiveInt

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER_AS_TEXT: Schema = {"type": "string", "pattern": "^[-+]?[0-9_]*[.]?[0-9_]*([eE][-+]?[0-9]+)?$"}
"""YAML 1.1 reads ``5e-4`` as text; editors, by YAML 1.2, as a number."""
_NAME = {"type": "string", "minLength": 1}


def preset_schema() -> Schema:
    """Return the schema of a preset's file."""
    maps = {"type": "object", "description": "Values for single maps, or for all of a kind (`smac:*`)."}
    properties = {"algo": algorithm_name(), "maps": maps}
    return _by_algorithm("A preset of rmix-kit", properties, needed=("algo",), has_maps=True)


def config_schema() -> Schema:
    """Return the schema of a file for ``--config``, and so of a run's ``config.yaml``."""
    told = descriptions(RunConfig)
    properties = {
        "algo": algorithm_name(),
        "preset": {"enum": preset_names(), "description": told["preset"]},
        "env": {**_NAME, "description": told["env"]},
        "seed": {"type": "integer", "minimum": 0, "description": told["seed"]},
        "steps": {**value_schema(PositiveInt), "description": told["steps"]},
        "device": {**value_schema(Device), "description": told["device"]},
        INIT_FROM: {**object_schema(InitialWeights, is_whole=True), "description": told[INIT_FROM]},
    }
    return _by_algorithm("A configuration of rmix-kit", properties)


def object_schema(cls: type, *, is_whole: bool = False) -> Schema:
    """Return the schema of a mapping that becomes a dataclass.

    Args:
        is_whole: Fields without a default must be there.
    """
    told, hints = descriptions(cls), hints_of(cls)
    properties: dict[str, Schema] = {}
    for entry in fields(cls):
        hint = hints[entry.name]
        inner = object_schema(hint) if is_dataclass(hint) and isinstance(hint, type) else value_schema(hint)
        properties[entry.name] = {**inner, **_default(entry.default), "description": told[entry.name]}
    bare = [entry.name for entry in fields(cls) if entry.default is MISSING and entry.default_factory is MISSING]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": bare} if is_whole and bare else {}),
    }


def value_schema(hint: Any) -> Schema:  # noqa: ANN401 - any annotation
    """Return the schema of a single value, numbers that YAML reads as text among them."""
    found: Schema = TypeAdapter(hint).json_schema()
    return {"anyOf": [found, NUMBER_AS_TEXT]} if _takes_number(found) else found


def settings_schemas() -> dict[tuple[str, ...], list[Schema]]:
    """Return the schemas of every setting of any algorithm and of training by path, each once."""
    found: dict[tuple[str, ...], list[Schema]] = {}
    for section, cls in (("training", TrainingSettings), *(("algorithm", cls) for cls in ALGORITHMS)):
        for path, schema in _leaves(object_schema(cls), (section,)):
            plain = {name: value for name, value in schema.items() if name != "default"}
            if plain not in found.setdefault(path, []):
                found[path].append(plain)
    return found


def _leaves(schema: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from _leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def _by_algorithm(
    title: str, properties: dict[str, Schema], *, needed: Sequence[str] = (), has_maps: bool = False
) -> Schema:
    """Return a schema whose ``algorithm:`` has the keys of the algorithm that ``algo:`` names."""
    names = [cls.name for cls in ALGORITHMS]
    cases = [_case({"properties": {"algo": {"const": name}}, "required": ["algo"]}, [name], has_maps) for name in names]
    if "algo" not in needed:  # such a file is for the algorithm that --algo names
        cases.append(_case({"not": {"required": ["algo"]}}, names, has_maps))
    sections = {"algorithm": {"type": "object", "description": descriptions(RunConfig)["algorithm"]}}
    training = {"$ref": "#/$defs/training", "description": descriptions(RunConfig)["training"]}
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": {**properties, **sections, "training": training},
        "required": list(needed),
        "additionalProperties": False,
        "allOf": cases,
        "$defs": {"training": object_schema(TrainingSettings), **{cls.name: object_schema(cls) for cls in ALGORITHMS}},
    }


def _case(condition: Schema, names: Sequence[str], has_maps: bool) -> Schema:
    algorithm: Schema = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in names]}
    then: Schema = {"algorithm": algorithm}
    if has_maps:
        sections = {"algorithm": algorithm, "training": {"$ref": "#/$defs/training"}}
        one = {"type": "object", "properties": sections, "additionalProperties": False}
        then["maps"] = {"type": "object", "additionalProperties": one}
    return {"if": condition, "then": {"properties": then}}


def algorithm_name() -> Schema:
    """Return the schema of an algorithm's name."""
    known: Schema = {"enum": [cls.name for cls in ALGORITHMS]}
    own: Schema = {"type": "string", "pattern": r"^[\w.]+:[\w.]+$"}
    words = "An algorithm; `rmix-kit algos` lists them. One of your own is package.module:Class."
    return {"anyOf": [known, own], "description": words}


def _default(value: Any) -> Schema:  # noqa: ANN401 - any field's
    if value is MISSING:
        return {}
    return {"default": list(value) if isinstance(value, tuple) else value}


def _takes_number(schema: Schema) -> bool:
    inner = schema.get("anyOf", [schema])
    return any(one.get("type") in ("number", "integer") for one in inner)
