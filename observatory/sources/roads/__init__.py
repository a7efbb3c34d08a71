"""Sources of travel times: road networks and matrices."""
