"""Runs the cells of a plan: in this process, in worker processes of this machine, or on a Dask cluster."""
