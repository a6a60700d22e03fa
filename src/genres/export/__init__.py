"""A trained model as a folder that needs nothing of this project: ONNX file, weights, example and model card."""
