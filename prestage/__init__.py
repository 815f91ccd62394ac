"""The front door: `prestage ...` and `python -m prestage`.

Options are parsed into a frozen value, one action of another room is called, and its result is handed to a view. The
human view and the JSON view share that result. Rooms are imported inside the commands that use them, so that
`--help` answers at once.
"""
