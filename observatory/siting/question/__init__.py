"""What is asked: for whom, which services, among which places, under which limits."""
