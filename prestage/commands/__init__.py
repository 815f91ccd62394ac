"""One module a command: options parsed, one action called, the result handed to a view."""
