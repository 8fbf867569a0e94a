"""How are dates and times written in English?"""
