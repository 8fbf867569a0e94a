"""What is announced? A frame: what a socket is told, before it is put in the reader's words."""

from supervisor_console.kernel.events import Json

Frame = dict[str, Json]
