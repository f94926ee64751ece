"""How things look: styles by name, Textual themes, and the screen in ASCII."""
