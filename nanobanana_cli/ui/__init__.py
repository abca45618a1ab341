"""Speaks to people: streams, spinners, tables, help. The only folder that prints."""
