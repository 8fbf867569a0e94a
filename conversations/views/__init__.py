"""HTTP: parse, one domain call, render. GET never writes."""
