"""Pages of the desk: signed-in people, server-rendered, no JavaScript."""
