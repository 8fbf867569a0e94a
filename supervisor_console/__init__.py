"""The composition root of the console: settings, addresses, servers, and the kernel that every app stands on."""
