"""Targets turn resources into declarations, one module a target. Pure."""
