"""One module per command; ``observatory/cli.py`` gathers them."""
