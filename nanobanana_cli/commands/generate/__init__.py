"""`nb generate`."""
