"""Sources that say which structures there are, where, and what they offer."""
