#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Serves a recording at rtsp://127.0.0.1:PORT/live by GStreamer's server, in real time, until it is killed.
usage: rtsp_server.py PORT FILE.mp4 h264|hevc tcp|udp [--password WORD]
Its status is 77 where GStreamer is not installed as it must be."""
import argparse
import sys

try:
    import gi
    for name in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(name, "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError) as missing:
    print(missing)
    sys.exit(77)

PAYLOADS = {"h264": "rtph264pay", "hevc": "rtph265pay"}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("port")
    p.add_argument("file")
    p.add_argument("codec", choices=PAYLOADS)
    p.add_argument("transport", choices=("tcp", "udp"))
    p.add_argument("--password", help="that of the user called 'user'")
    Gst.init(None)
    for element in ("filesrc", "qtdemux", "rtpbin", *PAYLOADS.values()):
        if not Gst.ElementFactory.find(element):
            print(f"GStreamer's {element} is not installed")
            sys.exit(77)
    a = p.parse_args()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(a.port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(f"( filesrc location={a.file} ! qtdemux ! queue ! {PAYLOADS[a.codec]} name=pay0 pt=96 config-interval=-1 )")
    factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP if a.transport == "tcp" else GstRtsp.RTSPLowerTrans.UDP)
    if a.password:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("user", a.password), token)
        server.set_auth(auth)
        factory.add_role_from_structure(Gst.Structure.new_from_string("user,media.factory.access=true,media.factory.construct=true"))
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"no server on port {a.port}")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
