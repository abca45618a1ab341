"""`nb caption`."""
