"""`nb`: images from the shell with Google's Nano Banana 2 model."""

__version__ = "0.1.0"

# The signals that ask a program to stop; Windows has no SIGHUP.
STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
