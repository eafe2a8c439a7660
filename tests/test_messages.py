"""Messages between processes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from rmix_kit.messages import WireError, decode, encode


def test_fields_and_arrays_come_through() -> None:
    arrays = {"obs": np.arange(6, dtype=np.int8).reshape(2, 3)[:, ::2], "mask": np.asarray([[True, False]])}
    fields, received = decode(io.BytesIO(encode({"do": "act", "risk_level": 0.25}, arrays)).read)
    assert fields == {"do": "act", "risk_level": 0.25}
    assert set(received) == set(arrays)
    for name, array in arrays.items():
        assert received[name].dtype == array.dtype
        assert np.array_equal(received[name], array)


@pytest.mark.parametrize(
    "header",
    [
        b"no json",
        b"[]",
        b'{"fields": {}, "arrays": [["x", "object", [1]]]}',
        b'{"fields": {}, "arrays": [["x", "int8", [-1]]]}',
        b'{"fields": {}, "arrays": [["x", "int64", [99999999999]]]}',
        b'{"fields": {}, "arrays": [["x", "int64", [1e999]]]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(header: bytes) -> None:
    with pytest.raises(WireError):
        decode(io.BytesIO(struct.pack("<I", len(header)) + header).read)


def test_a_huge_header_is_not_read() -> None:
    with pytest.raises(WireError, match="4294967295 bytes"):
        decode(io.BytesIO(b"\xff\xff\xff\xff").read)


def test_an_array_of_nothing_has_sides_that_numpy_can_hold() -> None:
    header = b'{"fields": {}, "arrays": [["x", "int8", [0%s]]]}' % (b", 2147483648" * 7)
    with pytest.raises(WireError, match="array 'x'"):
        decode(io.BytesIO(struct.pack("<I", len(header)) + header).read)
