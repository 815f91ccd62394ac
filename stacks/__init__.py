"""Reviewed plans become resources here, and what is there now is read back.

`targets` turns resources into engine-neutral declarations; `engines` renders and runs them; `estate` is the
on-premises target; `capacity` reads what is live.
"""
