"""Sources that say which territories there are, and how they belong together."""
