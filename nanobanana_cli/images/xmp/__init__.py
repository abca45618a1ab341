"""Reads and writes XMP packets in PNG, JPEG and WebP files."""
