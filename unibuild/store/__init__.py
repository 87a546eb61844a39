"""Content-addressed storage: digests, Remote Execution API messages, blobs, trees, action results.

Nothing in this room knows targets, sandboxes or terminals; it keeps bytes by their digests and
never hands out bytes that do not match theirs.
"""
