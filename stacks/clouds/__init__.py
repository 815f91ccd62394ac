"""The clouds' own APIs: what exists, by tag, by name, by place. Reads; the engines write."""
