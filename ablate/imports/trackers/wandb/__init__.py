"""The runs of W&B: exported tables and charts, and the folders that runs leave."""
