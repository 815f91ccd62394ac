"""Reads telemetry into a `Batch`. Files now; further sources become neighbours of `files`."""
