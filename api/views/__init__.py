"""What pages and answers show, arranged; no figure is worked out here."""
