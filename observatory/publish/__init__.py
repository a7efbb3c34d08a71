"""What leaves the observatory: tables, files and maps, each with its sources."""
