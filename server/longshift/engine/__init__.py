"""The engine: owns the runs of one repository and performs what the domain decides.

Owns every effect in its order: intent, effect, fact. Must never know a protocol of editors, and
never let a model's opinion stand in for a budget or a stop rule.
"""
