"""A local server that speaks the protocol: free, offline, with faults on demand."""

# What its replies' ids begin with, wherever it serves.
RESPONSE_ID = "sandbox-"
# Seconds.
LONGEST_LATENCY = 86_400
