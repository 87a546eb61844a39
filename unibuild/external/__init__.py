"""External artefacts: package URLs made into pinned files, and archives into trees.

``lock`` looks a package URL up in the registries that this machine has configured and writes down
its files, sizes and digests; ``fetch`` brings a file from the lock into the store, once. Nothing
here runs inside a sandbox, and a file whose digest is not that of the lock never gets a name.
"""
