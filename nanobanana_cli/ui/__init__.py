"""Write to the terminal: streams, spinners, tables, help. Nothing else prints."""
