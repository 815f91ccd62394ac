"""Address blocks: where in a pool they lie, how many of each length stand ready, what to do about those in use."""
