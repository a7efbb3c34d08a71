"""Observatoire territorial de l'ESS: how the figures are worked out."""
