"""The frame of the measuring scripts: sides that are compared, rounds, records, tables, and the peers' environments."""
