"""Which region an address lies in: the environment's own blocks, a file, and the origin that BGP knows."""
