"""The command line: each group of commands in a file of its own, all of them thin.

``app`` joins the commands, ``reach`` finds the engine or the database, ``follow`` folds events, and
``view``, ``lines`` and ``summary`` say what was folded.
"""
