"""The settings of PostgreSQL for measuring, the same for the embedded server and for Compose."""

from types import MappingProxyType

SETTINGS = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "256MB",
        # Access libraries are compared, not disks: a commit does not wait until its WAL is on the disk. fsync stays
        # on: a crash loses the last moments, but never the cluster.
        "synchronous_commit": "off",
        "fsync": "on",
        # With it, loading into a table that was created in the same transaction skips the WAL.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        # No checkpoint starts by itself within a window: one runs after every cell (db.data.restore).
        "max_wal_size": "4GB",
        "checkpoint_timeout": "30min",
        # Autovacuum would take CPU time from some cells at random. Instead, the dataset is restored and vacuumed
        # between measurements (db.data.restore).
        "autovacuum": "off",
        # Compilation pays off only for longer queries than these, and its threshold depends on estimates.
        "jit": "off",
        "shared_preload_libraries": "pg_stat_statements",
        # Loaded, but switched on only while statements of services are counted: never while measuring.
        "pg_stat_statements.track": "none",
        "compute_query_id": "on",
        "track_io_timing": "off",
        "timezone": "UTC",
        "log_min_messages": "warning",
        "password_encryption": "scram-sha-256",
    }
)
