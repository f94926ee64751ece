"""What keys, buttons, menus and the command line do."""
