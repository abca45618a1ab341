"""Inspect, convert, resize and label images."""

import warnings

# Pillow warns of metadata that it cannot read, on stderr, where users expect messages of nb's own.
warnings.filterwarnings("ignore", module="PIL")
