"""Dask clusters: one that is running, processes started here, or jobs of a batch system that are kept alive.

``deployment`` connects and starts; ``job_keeper`` submits lost jobs again and ``batch_queue`` asks the batch system how
they are; ``worker_watch`` counts workers and gives up where none comes; ``gpus`` gives each worker process a GPU,
``worker_memory`` its memory.
May import: system, errors.
"""
