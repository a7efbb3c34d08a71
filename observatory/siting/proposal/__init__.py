"""What a solution means: reasons, compromises, robustness, prose."""
