"""What keys, buttons, menus and the command line do: one table of actions, and the controllers that carry
them out. A controller knows the driver, the view state and two Protocols (``ports``), and no widget."""
