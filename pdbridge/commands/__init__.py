"""The commands of ``pdbridge`` that come in families: each module adds its own to the command line.

What they have in common is in `options`. Only the standard library is imported here; what takes time to
load is imported when a command runs.
"""
