"""Keeps what was imported: Parquet files by kind and month, and one manifest that says which count."""
