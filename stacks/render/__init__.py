"""What `prestage render` writes: a plan in an engine's own words, for people to read, diff and apply by hand."""
