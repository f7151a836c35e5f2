"""The language server: what an editor and its person see of the runs.

Owns the way between LSP and the engine, and nothing else: no decision about a run, a hunk or a
setting is taken here. `server` is the way in; `protocol` mends pygls; `features` holds one short
module for each method or family of methods. Only this room knows LSP.

`initialize` is answered before anything heavy is imported: `server`, `host`, `client`, `sessions`
and `features` import nothing but LSP's own types; `session` and what it uses come in a thread.
"""
