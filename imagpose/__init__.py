"""IMAGPose (NeurIPS 2024) in PyTorch Lightning."""
