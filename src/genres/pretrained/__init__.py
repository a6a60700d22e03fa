"""Networks that were trained on other data, as feature extractors."""
