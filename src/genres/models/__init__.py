"""The models: each is trained on an array of the clips and ``split.csv``, and writes weights and predictions."""
