"""The paper's tables and figures, one command each: what stands in them, how rows are run, and what is printed."""
