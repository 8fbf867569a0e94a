"""How does the demo contact centre live on? Customers and agents whom nobody plays act through the services.

``floor`` says what they see of it, ``reading`` looks, ``customers``, ``agents`` and ``shift_lead`` say what each of
them could do now and how likely it is, ``script`` what they say, ``doing`` calls the services as a person's click
would. ``simulator`` puts a step together, and ``running`` takes steps until it is told to stop.

A customer is simulated if the contact belongs to nobody (``demo.plans``), an agent if nobody can sign in as them.
"""
