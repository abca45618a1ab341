"""Resolve settings: option > environment > project file > user file > default.

`config_files` reads the two TOML files, `validators` parses values, `resolve` picks them,
`credentials` finds the provider's key, `edit` changes the user's file.
"""

from nanobanana_cli.settings.config_files import current_folder
from nanobanana_cli.settings.credentials import endpoint
from nanobanana_cli.settings.resolve import Settings, default_timeout, load

__all__ = ["Settings", "current_folder", "default_timeout", "endpoint", "load"]
