"""Make one image: from what the user typed to a file."""
