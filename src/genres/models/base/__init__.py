"""What all models share, and nothing that knows one of them."""
