"""What does the demo contact centre look like, and what happened there before you came?

``people`` says who works there, ``centre`` puts up queues, workstreams and staff, ``transcripts`` holds
what people say, ``plans`` decides what shall happen to whom and when, ``story`` lets it happen through
the services, in order of time. ``doors`` says who can get in. The command ``load_demo`` puts it up; the
simulation goes on with its people and their words.
"""
