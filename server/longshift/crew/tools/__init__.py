"""The tools, one file for each kind: what they take and what they do over the desk.

Owns arguments and results. Must never hold words for a model: descriptions are in
`prompts/tools/`, all else that a result says in `prompts/messages/`.
"""
