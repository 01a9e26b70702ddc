"""The frame of the measuring scripts: sides, rounds, records, tables, and the environments of the peers."""
