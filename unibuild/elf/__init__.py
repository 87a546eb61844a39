"""What a linked image tells about itself: segments, symbols, link map, and who brought each byte.

Nothing here knows of targets or of machines; labels come in only as names of archives.
"""
