"""Inspect, convert, resize and label images."""
