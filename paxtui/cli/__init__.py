"""The command line: one module a subcommand. What a command needs is imported when it runs."""
