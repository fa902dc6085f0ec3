"""The command `hub`: one file a command group; each asks the running node over its API unless DESIGN section 6 says otherwise."""
