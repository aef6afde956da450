"""A folder of a user's photographs made a dataset, which the ordinary reader reads: ``imagpose gather``."""
