"""Results as text for people. Each function takes the same value that `--json` prints."""
