"""What lies in ``cases`` is input, not tests, and one case is a folder without end."""

collect_ignore = ["cases"]
