"""From linked objects to a bootable image: root file system, parameters, boot file, manifest.

The built-in actions of the image rules live here, and the questions that a manifest answers.
"""
