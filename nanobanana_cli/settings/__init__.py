"""Settings: option > environment > project file > user file > default.

`values` and `address` say what is valid, `files` reads the two TOML files, `resolve` picks and
checks, `keys` finds the key of the provider in force, `edit` writes the user's file.
"""

from nanobanana_cli.settings.config_files import current_folder
from nanobanana_cli.settings.credentials import endpoint
from nanobanana_cli.settings.resolve import Settings, load

__all__ = ["Settings", "current_folder", "endpoint", "load"]
