"""Prometheus: what its API answers, and how its samples and counters become hours."""
