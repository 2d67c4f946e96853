"""Files of trackers read within bounds, and their runs put together as a source."""
