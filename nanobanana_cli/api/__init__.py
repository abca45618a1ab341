"""Speak the Gemini protocol: send requests, read replies, and send again what is free."""

import warnings

# urllib3 warns of a clock that is years behind, on stderr, where users expect messages of nb's own.
warnings.filterwarnings("ignore", module="urllib3")
