"""The documents that pass between rooms, and the words they are written in.

Every noun of the flow (`Forecast`, `CapacitySnapshot`, `Plan`, `Review`, `Decision`, `DriftReport`, `RunReport`) is a
frozen pydantic document with a format name, a version, one canonical JSON form and a digest. Nothing here opens a
socket or a process; `contracts.files` alone touches the disk.
"""
