"""Rows to the bytes of a Parquet file and back: plain, or by Parquet's modular encryption (AES_GCM_V1).

One key encrypts the footer and every column; each page is authenticated together with the file's identity, so that
neither a page nor a file can stand in for another. pandas and pyarrow are imported late.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecaster.history.envelope import FileKey

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def encode(rows: "pd.DataFrame", key: FileKey | None) -> bytes:
    """Rows to the bytes of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    table = pa.Table.from_pandas(rows, preserve_index=False)
    names = [
        field.name for field in table.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=names,  # of numbers they only make files larger, and more pages to authenticate
        write_statistics=False,  # files are read whole
        encryption_properties=_encryption(key) if key else None,
    )
    return sink.getvalue()


def decode(payload: bytes, key: FileKey | None) -> "pa.Table":
    """The bytes of a file to a table.

    Raises:
        OSError, pyarrow.ArrowException: not these bytes, or not this key.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    properties = _decryption(key) if key else None
    with pq.ParquetFile(pa.BufferReader(payload), decryption_properties=properties) as file:
        return file.read()


def frame(tables: Sequence["pa.Table"]) -> "pd.DataFrame":
    """Tables of the same columns as one frame."""
    import pyarrow as pa

    found: pd.DataFrame = pa.concat_tables(tables, promote_options="permissive").to_pandas()
    return found


def _encryption(key: FileKey) -> object:
    from pyarrow.parquet.encryption import create_encryption_properties

    return create_encryption_properties(
        key.key, aad_prefix=key.identity, store_aad_prefix=False, encryption_algorithm="AES_GCM_V1"
    )


def _decryption(key: FileKey) -> object:
    from pyarrow.parquet.encryption import create_decryption_properties

    return create_decryption_properties(key.key, aad_prefix=key.identity)
