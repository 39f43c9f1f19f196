"""Which engine decided. Grows with each change that can alter a decision: a run is replayed by its own version only."""

ENGINE_VERSION = 5
