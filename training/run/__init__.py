"""Programs that train, choose and measure."""
