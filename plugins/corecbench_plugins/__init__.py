"""The plugins that come with corecbench. Each is written as a third party would: it imports corecbench.api only."""
