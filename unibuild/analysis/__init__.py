"""Rules turn the targets that are reachable from a request into actions and providers."""
