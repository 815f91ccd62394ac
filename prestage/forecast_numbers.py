"""Arrays of numbers as few bytes, and back to the same bits.

Bytes of like significance stand together, as Parquet's BYTE_STREAM_SPLIT has them (Parquet's specification,
Encodings.md): signs and exponents of what is alike are alike. Then Zstandard (RFC 8878).
"""

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecaster.state_windows import Kept

LEVEL = 3  # Zstandard's own default; higher ones gain 1 % and take several times as long


def numbers_to_bytes(numbers: "Kept") -> bytes:
    """Its numbers; form and type are told apart."""
    import numpy as np
    import pyarrow as pa

    split = np.frombuffer(numbers.tobytes(), dtype=np.uint8).reshape(-1, numbers.itemsize).T
    return bytes(pa.Codec("zstd", LEVEL).compress(split.tobytes(), asbytes=True))


def numbers_from_bytes(payload: bytes, dtype: str, shape: tuple[int, ...]) -> "Kept":
    """What `numbers_to_bytes` was given.

    Args:
        payload: what it gave.
        dtype: of the numbers.
        shape: of the array.

    Raises:
        ValueError: they are other bytes, or of another form.
        TypeError: there is no such type.
    """
    import numpy as np
    import pyarrow as pa

    kind = np.dtype(dtype)
    try:
        split = pa.Codec("zstd").decompress(payload, kind.itemsize * prod(shape), asbytes=True)
    except OSError as error:
        raise ValueError("is not what was written") from error
    kept: Kept = np.frombuffer(split, dtype=np.uint8).reshape(kind.itemsize, -1).T.copy().view(kind).reshape(shape)
    return kept
