"""From pictures and poses on disk to pictures on disk."""
