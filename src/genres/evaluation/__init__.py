"""How good each model's predictions are, how sure a comparison is, and how the networks converged."""
