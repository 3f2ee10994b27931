"""Ports for servers that must be told one."""
import random
import socket


def free_port():
    """Not one of those that the kernel gives to clients (from 32768): another process would get it before the server
    listens, or while it is restarted."""
    while True:
        port = random.randrange(15_000, 32_000)
        try:
            with socket.create_server(("", port)):
                return port
        except OSError:
            continue
