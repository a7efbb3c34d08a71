"""The directory of accompaniment: its source of 2018, and the files that people edit."""
