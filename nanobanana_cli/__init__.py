"""`nb`: images from the shell with Google's Nano Banana 2 model."""

__version__ = "0.1.0"
