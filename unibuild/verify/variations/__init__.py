"""Variations: what a rebuild's surroundings may have differently, each as one small object.

``variation`` says what a variation is, ``draft`` is what it changes, ``environment``, ``process``,
``folders`` and ``engine`` hold them all, ``catalogue`` lists and groups them, ``experiment`` starts a
rebuild under several at once, ``bisection`` finds the guilty one, ``report`` says what came of all.
"""
