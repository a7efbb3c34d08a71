"""What files are made of: tables, layers, cells; nothing here knows a producer."""
