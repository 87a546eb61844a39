"""Plain data that every other room shares: labels, artefacts, actions, errors and their place.

Nothing in this room touches the disk, the network or a process.
"""
