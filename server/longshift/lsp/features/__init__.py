"""What the server can do, one short module for each LSP method or family of methods.

Each has a `register(host)`. None may import what is heavy at its top (see `longshift.lsp`).
"""
