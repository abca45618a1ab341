"""Image bytes: what they are, whether they are whole, and how to change their format."""
