"""Audio files as mono float32 samples."""
