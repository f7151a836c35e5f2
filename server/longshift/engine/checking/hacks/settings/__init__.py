"""The configuration of checks at two trees: what it says, by whatever file, and where it asks less.

`configured` has the rules; the others read files, put what is said in one form, and say which
settings are the same by another name.
"""
