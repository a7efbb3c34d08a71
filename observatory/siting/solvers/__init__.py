"""Pure optimisation: arrays in, a frozen solution and its proved bound out."""
