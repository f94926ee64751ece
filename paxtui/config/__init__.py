"""What a person configures: the cluster file, folders, limits, retention, and where certificates lie."""
