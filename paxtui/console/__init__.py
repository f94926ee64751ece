"""The full-screen console: sees what replicas report, and breaks the cluster from the keyboard.

``driver`` (the only module with Trio) talks to replicas and runs those that the console started; it folds
telemetry into ``model`` (pure facts and what follows from them); ``rows`` turns facts into lines of text
(pure as well); ``widgets`` puts the lines on the screen; ``app`` holds it together. What a person can do is
one table (``actions.table``): keys, commands, buttons, menus and help are made of it, and controllers carry
it out. What it does to the cluster is a value (``commands``) for the driver. Nothing is drawn because
something arrived: a timer looks at what has changed, at most ten times a second.
"""
