"""What watches a run: metrics, pictures, speed, checkpoints."""
