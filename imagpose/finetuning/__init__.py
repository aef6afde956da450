"""Fine-tuning a trained network on few pictures."""
