"""Texts for pictures, from arguments to files: the use cases behind `nb caption` and `--alt`."""
