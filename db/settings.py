"""The settings PostgreSQL is measured with: the same for the embedded server and for Compose."""

from types import MappingProxyType

SETTINGS = MappingProxyType(
    {
        "max_connections": "200",
        "shared_buffers": "256MB",
        # Access libraries are compared, not disks: a commit does not wait for its WAL to reach one. fsync stays on,
        # so that a crash loses the last moments and never the cluster.
        "synchronous_commit": "off",
        "fsync": "on",
        # Loading into tables of the same transaction then skips the WAL.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        # No checkpoint starts by itself within a window: every cell is followed by one (db.restore).
        "max_wal_size": "4GB",
        "checkpoint_timeout": "30min",
        # Autovacuum would take CPU from whichever cell it happened to meet. Each cell is restored and vacuumed
        # between measurements instead (db.restore).
        "autovacuum": "off",
        # Its compilation pays off for queries longer than any here, and its threshold depends on estimates.
        "jit": "off",
        "shared_preload_libraries": "pg_stat_statements",
        # Loaded, and switched on for the services whose statements are counted: never while measuring.
        "pg_stat_statements.track": "none",
        "compute_query_id": "on",
        "track_io_timing": "off",
        "timezone": "UTC",
        "log_min_messages": "warning",
        "password_encryption": "scram-sha-256",
    }
)
