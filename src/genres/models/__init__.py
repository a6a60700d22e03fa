"""What is trained: each model reads ``inputs.npy`` and ``split.csv``, and writes weights and predictions."""
