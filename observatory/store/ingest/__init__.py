"""Brings what the sources say into the tables: staged, checked, swapped."""
