"""What tests of several rooms share; on the import path of pytest (see pyproject.toml)."""
