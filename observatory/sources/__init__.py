"""Reads sources: one module each, two verbs (``read``, ``normalise``), and what is built from them."""
