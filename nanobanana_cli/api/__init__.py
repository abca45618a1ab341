"""Speak the Gemini protocol: send requests, read replies, and send again what is free."""
