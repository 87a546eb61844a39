"""The remote store: a team's cache and remote execution, spoken to in the Remote Execution API v2.

A build never talks to a server itself. It forks one *courier* (``courier``), a process that holds the
connections and shares the local cache's directory, and asks it through a ``Link`` (``link``): look a
result up, fetch these blobs, publish this result, execute this action. So a slow, wrong or dying
server can never hold up or harm more than the courier.

Rules of use: ``settings``, ``requests`` and ``link`` are all that a build process imports; ``grpc`` and
what else is heavy is imported by the courier alone, after the fork. Every byte that comes from a
server is hashed before anybody sees it.
"""
