"""Attestations: what a build says of itself, who signed that, and what a verifier makes of it."""
