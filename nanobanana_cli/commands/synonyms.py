"""List other names for commands and options: what other tools, and people, call them."""

from __future__ import annotations

from collections.abc import Mapping

# The path of a group, "" for `nb` → command → what is typed for it.
COMMANDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "": {
        "generate": ("create", "draw", "image", "images", "imagine", "img", "make", "new", "paint"),
        "caption": ("alt", "alttext", "alt-text", "describe", "title"),
        "batch": ("bulk", "many", "run"),
        "extract": ("decode", "save", "unpack"),
        "log": ("cost", "costs", "history", "logs", "spending", "usage"),
        "config": ("auth", "configure", "get", "init", "key", "login", "set", "settings", "setup"),
        "models": ("list", "ls", "price", "prices", "pricing"),
        "sandbox": ("fake", "mock", "serve", "server", "test"),
        "completion": ("autocomplete", "complete", "completions"),
    },
    "config": {
        "set": ("add", "put"),
        "unset": ("clear", "del", "delete", "remove", "reset", "rm"),
        "get": ("print", "read"),
        "list": ("all", "ls", "show"),
        "edit": ("open",),
        "path": ("file", "where"),
        "check": ("doctor", "test", "validate", "verify"),
    },
}

# What is typed for `nb help agents`.
GUIDE = ("agent", "agents", "claude", "skill", "skill.md", "skills")

# The options meant → what is typed for them, without dashes.
OPTIONS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("--aspect",): ("ar", "aspect-ratio", "orientation", "ratio", "shape"),
    ("--size",): ("image-size", "quality", "res", "resolution"),
    ("--transparent",): ("alpha", "cut-out", "cutout", "no-background", "rembg", "remove-bg"),
    ("--fit",): ("crop", "dimensions", "height", "pixels", "resize", "width"),
    ("--image",): ("edit", "image-file", "in", "input", "ref", "reference", "source"),
    ("--output",): ("dest", "dir", "file", "filename", "folder", "out-file", "output-file", "save"),
    ("--count",): ("images", "num", "num-images", "number", "samples", "times"),
    ("--format",): ("ext", "filetype", "output-format", "type"),
    ("--force",): ("clobber", "overwrite", "replace"),
    ("--skip-existing",): ("no-clobber", "resume"),
    ("--preview",): ("display", "draw", "inline", "show", "thumbnail"),
    ("--open",): ("launch", "view", "viewer"),
    ("--max-cost",): ("budget", "cost", "max-price"),
    ("--yes",): ("assume-yes", "no-confirm", "y"),
    ("--dry-run",): ("dry", "noop", "plan", "simulate"),
    ("--base-url",): ("address", "api-base", "api-base-url", "endpoint", "host", "server", "url"),
    ("--timeout",): ("deadline",),
    ("--retries",): ("retry", "max-retries"),
    ("--verbose",): ("debug", "trace"),
    ("--quiet",): ("silent",),
    ("--concurrency",): ("j", "jobs", "parallel", "threads", "workers"),
    ("--lang",): ("language", "locale"),
    ("--system",): ("instruction", "system-prompt"),
    ("--thinking",): ("think", "reasoning"),
    ("--search",): ("ground", "grounding", "web"),
    ("--prompt-file",): ("from-file", "prompts"),
}

# What no option does → what does it.
INSTEAD: Mapping[str, tuple[str, ...]] = {
    "no option takes a key: set {key_variable}, or run `nb config set api-key`": (
        ("api-key", "apikey", "auth", "key", "token")
    ),
    'the prompt goes without an option: nb generate "a red fox"': ("p", "prompt", "text"),
    "say in the prompt what to leave out": ("negative", "negative-prompt"),
    "`nb --version`": ("V", "version"),
}
