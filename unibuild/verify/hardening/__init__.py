"""V17's rules: what can be read from an image about its protections, without starting it.

``rule`` is what a rule is, ``evidence`` what rules look at, ``commands`` how each object was compiled;
``segments``, ``compiled``, ``contents`` and ``randomness`` hold the rules. Properties that only a
running image shows (that a write to text faults, that two boots differ) are boot tests of the kernel.
"""
