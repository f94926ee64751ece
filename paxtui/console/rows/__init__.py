"""Lines of text for the screen, made from the model: pure functions, testable without a screen.

A :data:`~paxtui.console.rows.text.Row` is a list of spans, each a text and the name of a style
(:mod:`paxtui.console.theme.styles`). Every function takes the width that it has, in cells, and makes rows
exactly so wide. Text from others has gone through :func:`paxtui.wire.text.visible` before it becomes a
span.
"""
