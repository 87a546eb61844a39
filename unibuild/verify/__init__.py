"""Proving an image: rebuild elsewhere, compare, explain the difference, attest, list what is inside."""
