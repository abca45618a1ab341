"""The commands, one module or folder each: parse, do one thing, render."""
