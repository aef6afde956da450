"""What may be said on a command line or in a file, and how a mistake is told."""
