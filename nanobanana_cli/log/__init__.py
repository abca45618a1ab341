"""Keep a line for each paid call in a SQLite file, and find, sum and forget lines."""
