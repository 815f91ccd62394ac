"""How the checkout is built and run: standard library only, never part of the distribution."""
