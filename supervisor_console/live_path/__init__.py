"""How does a change get from the database to a screen, and which step fails? A page for administrators.

``asking`` asks each step and never raises, ``readings`` are what came back, ``hops`` says what they mean.
"""
