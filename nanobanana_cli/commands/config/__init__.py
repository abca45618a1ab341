"""`nb config`."""
