"""YAML as people mean it: the core rules of YAML 1.2, where 010 is ten, 1:30 and yes are text, and 1e-3 is a number."""

from __future__ import annotations

import re
from typing import Any

import yaml

_NULL, _BOOL, _INT, _FLOAT, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "merge"))


MOST_VALUES = 100_000
"""Of one text, those that an alias stands for counted wherever it stands."""


class CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2 (section 10.3.2), and merge keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def read_int(self, node: yaml.ScalarNode) -> int:
        """Read a whole number: decimal, ``0o`` octal or ``0x`` hexadecimal."""
        text = str(self.construct_scalar(node))
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        number = int(text if base == 10 else text[2:], base)
        str(number)  # of too many digits: refused here as the decimal one is, and not where somebody shows it
        return number

    def read_float(self, node: yaml.ScalarNode) -> float:
        """Read a number, ``.inf`` or ``.nan``."""
        return float(str(self.construct_scalar(node)).lower().replace(".inf", "inf").replace(".nan", "nan"))


class _Dumper(yaml.SafeDumper):
    """Quotes text that either version of YAML would take for something else."""


for _tag, _pattern, _first in (
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_BOOL, r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        _FLOAT,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    (_MERGE, r"<<", ["<"]),
):
    for _class in (CoreLoader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)
CoreLoader.add_constructor(_INT, CoreLoader.read_int)
CoreLoader.add_constructor(_FLOAT, CoreLoader.read_float)


def read_yaml(text: str) -> Any:  # noqa: ANN401 - YAML
    """Read a YAML text.

    Raises:
        yaml.YAMLError: It is not YAML, or is nested too deeply or within itself, or has a number of too many digits, a
            value that is not what its tag says, or too many values.
    """
    return compose_yaml(text)[1]


def write_yaml(values: object) -> str:
    """Return plain values as a YAML text, in the order that they have."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def compose_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """Read a YAML text and its tree, which knows the lines; raises as `read_yaml`."""
    loader = CoreLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None
        if _count(node, {}) > MOST_VALUES:
            raise yaml.YAMLError(f"it lies within itself, or its aliases stand for more than {MOST_VALUES:,} values")
        return node, loader.construct_document(node)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from error
    except (LookupError, AttributeError, TypeError) as error:  # PyYAML's own, of !!bool x, !!timestamp x and their like
        raise yaml.YAMLError("a value is not what its tag says") from error
    finally:
        loader.dispose()


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the values in a tree; one that lies within itself has too many."""
    if id(node) not in known:
        known[id(node)] = MOST_VALUES + 1  # met again below itself
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        inner = [*node.value] if isinstance(node, yaml.SequenceNode) else [part for pair in pairs for part in pair]
        known[id(node)] = 1 + sum([_count(part, known) for part in inner])
    return known[id(node)]
