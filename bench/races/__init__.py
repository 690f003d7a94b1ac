"""Any two operations of the instrument at the same moment, and what must hold afterwards.

instrument   the functions under test, imported in one place
scenario     the rows of one try: a study, raters, what each has in hand
operations   what is done at the same moment, each with the promise that its answer makes
invariants   what must hold when both are over
pairs        every pair of operations in every variant, and those that failed once
"""
