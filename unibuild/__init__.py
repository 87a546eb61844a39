"""unibuild: from declared inputs to a bootable, reproducible unikernel image."""

__version__ = "0.1.0"
