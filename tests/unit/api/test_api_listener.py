"""The socket that the local server listens on."""

import socket

from everbloom.api.server import _open_listener


def test_a_body_does_not_wait_behind_its_headers_for_an_acknowledgement():
    with _open_listener(0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
