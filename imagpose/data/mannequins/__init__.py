"""The embedded dataset: drawn people whose every picture is known exactly."""
