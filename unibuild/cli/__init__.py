"""The command line: one module a verb, and the only room that knows a terminal.

``main`` looks for a build with nothing to do before anything heavy is imported; every other verb is
a module with ``configure(parser)`` and ``execute(arguments, terminal) -> exit code``, listed in
``verbs``. Data goes to standard output, everything else to standard error.
"""
