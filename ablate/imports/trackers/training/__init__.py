"""Folders and databases that training libraries and searches write, one file a program."""
