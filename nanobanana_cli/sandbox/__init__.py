"""A local server that speaks the protocol: free, offline, with faults on demand."""
