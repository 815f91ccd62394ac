"""Events that move demand: where they touch, what they did, what they will do (pure)."""
