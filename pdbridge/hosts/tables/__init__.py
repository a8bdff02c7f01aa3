"""The messages of each instrument, a module each; `pdbridge.hosts.messages` puts them together."""
