"""Monitors: start an image, wire its network, read its console, stop it without a trace."""
