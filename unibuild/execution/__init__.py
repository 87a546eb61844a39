"""Run an action graph: what is stale, in which order, in which sandbox, and where outputs go.

``session.build`` is the whole way; ``kept_graph.try_null_build`` answers alone when nothing changed
and imports nothing heavy.
"""
