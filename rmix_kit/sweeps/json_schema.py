"""The JSON schema of a sweep's file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from rmix_kit.config.document import preset_names
from rmix_kit.config.json_schema import DIALECT, Schema, algorithm_name, object_schema, settings_schemas
from rmix_kit.sweeps.sweep_file import AlgorithmEntry, EnvironmentEntry, Frame

_SEED: Schema = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,39}-[0-9]{1,39}$"}]
}


def sweep_schema() -> Schema:
    """Return it."""
    frame = _with_set(object_schema(Frame))
    algorithm = _with_set(object_schema(AlgorithmEntry, is_whole=True))
    algorithm["properties"]["algo"] = algorithm_name()
    algorithm["properties"]["preset"] = {"enum": [*preset_names(), None], "description": _told(algorithm, "preset")}
    environment = _with_set(object_schema(EnvironmentEntry, is_whole=True))
    lists = {
        "algorithms": _one_or_more({"anyOf": [algorithm_name(), algorithm]}),
        "environments": _one_or_more({"anyOf": [{"type": "string"}, environment]}),
        "seeds": {**_one_or_more(_SEED), "description": "Seeds: numbers, and ranges such as 0-4."},
    }
    return {
        "$schema": DIALECT,
        "title": "A sweep of rmix-kit",
        "type": "object",
        "properties": {**lists, **frame["properties"]},
        "required": list(lists),
        "additionalProperties": False,
        "$defs": {"set": _set_schema()},
    }


def _told(schema: Schema, name: str) -> str:
    return str(schema["properties"][name]["description"])


def _with_set(schema: Schema) -> Schema:
    schema["properties"]["set"] = {"$ref": "#/$defs/set", "description": _told(schema, "set")}
    return schema


def _one_or_more(entry: Schema) -> Schema:
    return {"anyOf": [entry, {"type": "array", "items": entry, "minItems": 1}]}


def _set_schema() -> Schema:
    """Return the schema of values by name: a whole one, its end, or mappings within one another; lists are grids."""
    named: dict[str, list[Schema]] = {}
    for path, schemas in settings_schemas().items():
        for start in range(len(path)):
            named.setdefault(".".join(path[start:]), []).extend(schemas)
    values: dict[str, Any] = {name: _once_or_grid(schemas) for name, schemas in named.items()}
    parts = {part for path in settings_schemas() for part, _ in pairwise(path)}
    within = {part: {"$ref": "#/$defs/set"} for part in sorted(parts)}
    return {"type": "object", "properties": {**within, **values}, "additionalProperties": False}


def _once_or_grid(schemas: list[Schema]) -> Schema:
    told = next(schema["description"] for schema in schemas)
    plain = [{name: value for name, value in schema.items() if name != "description"} for schema in schemas]
    once = [one for place, one in enumerate(plain) if one not in plain[:place]]
    return {"anyOf": [*once, {"type": "array", "items": {"anyOf": once}, "minItems": 1}], "description": told}
