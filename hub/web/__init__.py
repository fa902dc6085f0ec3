"""The node's pages, feeds and API: one route table, one file a noun."""
