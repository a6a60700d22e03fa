"""What is shown of the results: figures, the page, and the table that `make` prints."""
