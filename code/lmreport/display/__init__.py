"""How anything is shown: Markdown, figures and their style, and the line that says where a number
is from.
"""
