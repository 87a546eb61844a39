"""WORKSPACE.toml and BUILD.toml into workspaces, packages and files; knows nothing of rules."""
