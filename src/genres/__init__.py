"""Music genre classification on mel spectrograms: what the pipeline's stages are made of."""
