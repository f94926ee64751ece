"""What a replica keeps on disk: one SQLite database in a data folder, written by one thread.

``store`` is the database while a replica runs, ``writer`` the thread that commits, ``batch`` one transaction
on its way. ``recovery`` decides at start whether a folder can be trusted; ``quarantine`` sets it aside when
it cannot, ``rollback_guard`` finds an older copy that was put back, ``folder_lock`` keeps a second process
out. ``offline`` and ``backup`` read a folder without its replica. Nothing here knows Trio or the wire.
"""
