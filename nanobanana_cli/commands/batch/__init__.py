"""`nb batch`."""
