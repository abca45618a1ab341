"""Reads manifests: from a file to checked rows, with every error named by its line."""
