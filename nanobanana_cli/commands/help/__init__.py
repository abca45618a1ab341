"""`nb help`: help for people, a guide for coding agents, and all that can be typed as JSON."""
