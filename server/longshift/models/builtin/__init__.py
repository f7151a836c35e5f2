"""The built-in model: rules that speak the same messages and tool calls as any model.

Owns what can be done to code by rule alone, through ruff. Must never see anything but the
request's messages: what it knows of the repository it has read through its tools.
"""
