"""How clips are split into train and test, and how many test clips have a copy in train."""
