"""Clips and pictures: what they are, how a pair is made fair, and the files raters are shown.

Pure: paths and values in, frozen dataclasses out. No Django, no database.
"""
