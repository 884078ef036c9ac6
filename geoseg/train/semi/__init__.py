"""Training on unlabelled scenes beside the labelled ones.

``scenes`` opens them and keeps their windows off the places held out for validation; ``views`` makes two views of a
window; ``teacher`` is the mean teacher, whose confident answers are pseudo-labels. May import: what ``train`` may.
"""
