"""French for people: labels, grammar, numbers; imports nothing of ours, so that any room may use it."""
