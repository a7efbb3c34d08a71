"""How it is served: API, tiles and pages over one engine."""
