"""Reads the few facts of an ONNX file that must be known before it is run. Standard library only.

An ONNX file is a protocol-buffer message. The walk below steps over payloads by their length, so that neither the onnx
package nor a copy of the weights is needed. Field numbers: onnx.proto3 of the ONNX project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exporters.errors import BundleError

MAX_DEPTH = 64
# message -> field number -> message it holds; everything else is payload
_NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_IR_VERSION, _OPSET_IMPORT, _METADATA = 1, 8, 14  # in the model
_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1  # in a tensor; location 1 = EXTERNAL


@dataclass(frozen=True, kw_only=True)
class OnnxFacts:
    """What the scan found: IR version, operator sets by domain, metadata, and whether weights lie in other files."""

    ir_version: int
    opsets: dict[str, int]
    metadata: dict[str, str]
    has_external_data: bool


def scan_onnx(data: bytes, where: str) -> OnnxFacts:
    """Walks an ONNX file.

    Args:
        data: the whole file.
        where: its name, for errors.

    Raises:
        BundleError: if it is not a well-formed ONNX file.
    """
    view = memoryview(data)
    ir_version = 0
    opsets: dict[str, int] = {}
    metadata: dict[str, str] = {}
    has_graph = False
    try:
        for field, value in _fields(view):
            if field == _IR_VERSION and isinstance(value, int):
                ir_version = value
            elif field == _OPSET_IMPORT and not isinstance(value, int):
                entry = dict(_fields(value))
                version = entry.get(2, 0)
                opsets[_text(entry.get(1, b""))] = version if isinstance(version, int) else 0
            elif field == _METADATA and not isinstance(value, int):
                entry = dict(_fields(value))
                metadata[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
            has_graph |= field == 7
        external = _has_external_data(view, "model", 0)
    except (ValueError, UnicodeDecodeError) as error:
        raise BundleError(f"{where} is not a readable ONNX file ({error}); it is truncated or foreign") from error
    if not has_graph or ir_version == 0:
        raise BundleError(f"{where} is not an ONNX file: it holds no graph")
    return OnnxFacts(ir_version=ir_version, opsets=opsets, metadata=metadata, has_external_data=external)


def _has_external_data(view: memoryview, kind: str, depth: int) -> bool:
    if depth > MAX_DEPTH:
        raise ValueError("messages are nested too deeply")
    nested = _NESTED.get(kind, {})
    for field, value in _fields(view):
        if kind == "tensor":
            if field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value == _EXTERNAL):
                return True
        elif field in nested and not isinstance(value, int) and _has_external_data(value, nested[field], depth + 1):
            return True
    return False


def _text(value: int | memoryview | bytes) -> str:
    if isinstance(value, int):
        raise ValueError("a text field holds a number")
    return bytes(value).decode("utf-8")


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Gives (field number, value) of one message; a value is a number or the bytes of a nested field."""
    position, end = 0, len(view)
    while position < end:
        key, position = _varint(view, position)
        field, wire = key >> 3, key & 7
        if field == 0:
            raise ValueError("field number 0")
        if wire == 0:
            number, position = _varint(view, position)
            yield field, number
            continue
        if wire == 2:
            size, position = _varint(view, position)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")
        if position + size > end:
            raise ValueError("a field reaches past the end")
        yield field, view[position : position + size]
        position += size


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise ValueError("the end comes inside a number")
        byte = view[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
    raise ValueError("a number is too long")
