"""Lightning's command line, runs, and what is asked before a training starts."""
