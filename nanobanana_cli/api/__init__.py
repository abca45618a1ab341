"""The protocol: what is sent, what comes back, and what may be sent again."""
