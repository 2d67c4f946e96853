"""The watch over a script: its signs of life, its memory, and all its processes, of which none may be left."""
