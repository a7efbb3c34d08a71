"""Files and answers brought from the network, kept, and told where the network fails."""
