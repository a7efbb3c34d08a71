"""Sources that say how many: a figure by territory, indicator and period."""
