#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS and SASL before a cluster of Kafka that knows neither: it asks for user and password itself (PLAIN), refuses all
else until they were right, and hands on what comes then. It prints its port.
usage: kafka_tls_proxy.py CLUSTER_HOST:PORT CERTIFICATE KEY USER PASSWORD"""
import socket
import ssl
import struct
import sys
import threading

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
UNSUPPORTED_MECHANISM, UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 33, 35, 58


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def receive_message(connection):
    return receive(connection, struct.unpack(">i", receive(connection, 4))[0])


def send_message(connection, data):
    connection.sendall(struct.pack(">i", len(data)) + data)


def text(value):
    return struct.pack(">h", len(value)) + value


class Proxy:
    def __init__(self, cluster, certificate, key, user, password):
        host, port = cluster.rsplit(":", 1)
        self.cluster, self.login = (host, int(port)), f"\0{user}\0{password}".encode()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.server.accept()[0],), daemon=True).start()

    def serve(self, plain):
        try:
            with self.tls.wrap_socket(plain, server_side=True) as client, socket.create_connection(self.cluster) as cluster:
                logged_in = False
                while True:
                    request = receive_message(client)
                    api, version, number = struct.unpack(">hhi", request[:8])
                    if api == API_VERSIONS:
                        answer = self.versions(cluster, request, version)
                    elif api == SASL_HANDSHAKE:
                        answer = self.handshake(request)
                    elif api == SASL_AUTHENTICATE:
                        logged_in = self.is_login(request)
                        answer = struct.pack(">h", 0 if logged_in else AUTHENTICATION_FAILED) + text(b"" if logged_in else b"no such user or password") + bytes(4)
                    elif logged_in:
                        send_message(cluster, request)
                        answer = receive_message(cluster)[4:]
                        if api == METADATA:  # the brokers of the cluster are here
                            answer = answer.replace(self.place(self.cluster[1]), self.place(self.port))
                    else:
                        return
                    send_message(client, struct.pack(">i", number) + answer)
        except OSError:
            pass

    def place(self, port):
        return self.cluster[0].encode() + struct.pack(">i", port)

    @staticmethod
    def body(request):
        return request[10 + max(0, struct.unpack(">h", request[8:10])[0]):]

    def versions(self, cluster, request, version):
        """Version 0 of the answer alone, which says so where another one is wanted, as Kafka does."""
        if version > 0:
            return struct.pack(">hi3h", UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, 0)
        send_message(cluster, request)
        answer = receive_message(cluster)[4:]
        error, count = struct.unpack(">hi", answer[:6])
        return struct.pack(">hi", error, count + 2) + answer[6:6 + 6 * count] + struct.pack(">6h", SASL_HANDSHAKE, 0, 1, SASL_AUTHENTICATE, 0, 0)

    def handshake(self, request):
        body = self.body(request)
        wants_plain = body[2:2 + struct.unpack(">h", body[:2])[0]] == b"PLAIN"
        return struct.pack(">hi", 0 if wants_plain else UNSUPPORTED_MECHANISM, 1) + text(b"PLAIN")

    def is_login(self, request):
        body = self.body(request)
        return body[4:4 + struct.unpack(">i", body[:4])[0]] == self.login


if __name__ == "__main__":
    proxy = Proxy(*sys.argv[1:])
    print(proxy.port, flush=True)
    proxy.run()
