"""Damage: to bytes, to JSON values, to texts."""

from __future__ import annotations

import copy
import random
from typing import Any

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**40, 1e308, -1e308, 5e-324, 0.5, -0.0),
    *(float("nan"), float("inf"), float("-inf"), "", " ", "0", "nan", "\0", "é", "𝕏" * 10, "a" * 100_000),
    *("../../outside/canary.txt", "/dev/zero", "../run", ".", "..", "con", "a\nb", "${HOME}", "%s%n", "{0.__class__}"),
    *([], {}, [[]], [None], {"": None}, [0] * 1000, ["a", 1, {}], {"a": {"b": {"c": []}}}),
)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return other bytes; the same ones only where nothing can be changed."""
    for _ in range(20):
        found = _damaged_once(data, rng)
        if found != data:
            return found
    return data + b"\0"


def _damaged_once(data: bytes, rng: random.Random) -> bytes:
    changed, size = bytearray(data), len(data)
    place, other = (rng.randrange(size) if size else 0 for _ in range(2))
    first, last = sorted((place, other))
    match rng.randrange(10):
        case 0 | 1 if size:
            changed[place] ^= 1 << rng.randrange(8)
        case 2 if size:
            changed[place] = rng.randrange(256)
        case 3:
            del changed[place:]
        case 4:
            changed += bytes(rng.randrange(256) for _ in range(rng.randrange(1, 40)))
        case 5 if size:
            changed[first:last] = bytes(last - first)
        case 6:
            del changed[first:last]
        case 7:
            changed[place:place] = changed[first:last]
        case 8:
            changed = bytearray() if rng.random() < 0.3 else bytearray(changed[first:last])
        case _:
            lines = data.split(b"\n")
            rng.shuffle(lines)
            changed = bytearray(b"\n".join(lines))
    return bytes(changed)


def with_another_value(values: Any, rng: random.Random) -> Any:
    """Return JSON values with one to three changed somewhere: another, gone, one more, one twice, or deeply nested."""
    values = copy.deepcopy(values)
    for _ in range(rng.randint(1, 3)):
        holder, key = _place_in(values, rng)
        if holder is None:
            return rng.choice(NASTY)
        match rng.randrange(8):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(("format", "sha256", "extra", "__class__", ""))] = rng.choice(NASTY)
            case 2 if isinstance(holder, list):
                holder.insert(key, holder[key])
            case 3 if isinstance(holder, list):
                del holder[key]
            case 4:
                holder[key] = nested(rng.choice((50, 900, 5_000)), rng)
            case 5 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = holder[key] * rng.choice((-1, 0, 2, 1e6)) + rng.choice((-1, 0, 1))
            case _:
                holder[key] = copy.deepcopy(rng.choice(NASTY))
    return values


def nested(depth: int, rng: random.Random) -> Any:
    """Return lists or mappings within one another."""
    value: Any = 0
    for _ in range(depth):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value


def _place_in(values: Any, rng: random.Random) -> tuple[Any, Any]:
    """Return a container within the values and one of its keys; None where there is none."""
    holder, key = None, None
    inner = values
    while isinstance(inner, dict | list) and inner:
        holder, key = inner, rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
        inner = holder[key]
        if rng.random() < 0.25:
            break
    return holder, key


def spoilt(text: str, rng: random.Random) -> str:
    """Return another text: letters changed, added or gone, parts repeated, and what programs trip over put in."""
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(0, len(text))
        other = rng.randint(0, len(text))
        first, last = sorted((place, other))
        match rng.randrange(7):
            case 0:
                text = text[:place] + rng.choice("&?=:,;/\\'\"{}[]()<>%#@!|*+-~ \t\n\0é") + text[place:]
            case 1:
                text = text[:first] + text[last:]
            case 2:
                text = text[:last] + text[first:last] * rng.choice((1, 2, 50)) + text[last:]
            case 3:
                text = text[:place] + str(rng.choice(NASTY))[:300] + text[place:]
            case 4 if text:
                text = text[:place] + chr(rng.randrange(1, 0x2FF)) + text[place + 1 :]
            case 5:
                text = text.replace(rng.choice("0123456789=&?:x"), str(rng.choice((0, -1, 10**9, 1e99, "nan", ""))))
            case _:
                text = text.swapcase() if rng.random() < 0.3 else text[place:] + text[:place]
    return text
