"""What is on the screen. Panes draw rows on the line API and repaint only the lines that changed."""
