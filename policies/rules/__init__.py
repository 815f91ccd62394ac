"""The rules, by what they guard. Each is a function from a `Case` to breaches, registered in `policies.registry`."""
