"""Read manifests into checked items; every error names its line."""
