"""The gates: what a call must have before it goes through, as rules in code.

Owns the rules of `add_task`, `finish`, `submit`, `report_finding` and `verdict` that a prompt
alone could not keep: one module for each kind of rule, pure, and `gate` for how strictly they act.
Words for the model are in `prompts/messages/`.
"""
