"""How does the memory that a burst took come back to the system? By where the C library puts what is large."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""What ``mallopt`` of the GNU C library can be told."""

GIVE_BACK_ABOVE = 1024 * 1024
"""Bytes at the end of its heap that a process keeps although nobody uses them."""

APART_FROM = 32 * 1024
"""Bytes from which on something has pages of its own, which are given back when nobody needs it any more."""


def give_back() -> None:
    """Let the GNU C library give back what a burst took: with a frame for each of many consoles, tens of megabytes.

    By itself it learns from the largest piece that was freed, and then keeps twice as much for the next one. And its
    heap shrinks from the end only: one row that was printed and kept while a burst lay below it held 22 MB of nothing
    for ever. So what is large does not lie there.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(M_TRIM_THRESHOLD, GIVE_BACK_ABOVE)
        mallopt(M_MMAP_THRESHOLD, APART_FROM)
