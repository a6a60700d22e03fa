"""The models on a page in the browser, for everyone who has a piece of music and a question."""
