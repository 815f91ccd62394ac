"""Live capacity, quotas and prices of a target as a `CapacitySnapshot`, one module a target."""
