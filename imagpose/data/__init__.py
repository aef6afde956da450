"""People and poses: reading, drawing, and filling canvases."""
