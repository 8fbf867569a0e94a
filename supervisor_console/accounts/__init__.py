"""Who is at the door, and how do they prove it? Log-in, password, second factor, single sign-on.

The proving is django-allauth's. Here is what the console says about it: which limits hold, which of its pages there
are, and in which words they speak.
"""
