#!/usr/bin/env python3
"""manynodes: as many nodes as Redis sees: each a connection that has subscribed to its control
channels and to its share of the channels, and that answers report and channels as wsnode does.

manynodes.py REDIS-PORT CLUSTER NODES CHANNELS CONFIG-HASH
prints "ready" when all are there. Node wsI is at 127.0.0.1:(10000 + I).
"""
import json
import selectors
import socket
import sys

port, cluster, nodes, channels, config = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]


def words(*a):
    out = b"*%d\r\n" % len(a)
    for w in a:
        w = w if isinstance(w, bytes) else w.encode()
        out += b"$%d\r\n%s\r\n" % (len(w), w)
    return out


pub = socket.create_connection(("127.0.0.1", port))
sel = selectors.DefaultSelector()
mine = {}
for i in range(1, nodes + 1):
    name = "ws%d" % i
    c = socket.create_connection(("127.0.0.1", port))
    mine[c] = (name, i, ["ch%05d" % k for k in range(i, channels + 1, nodes)])
    c.sendall(words("SUBSCRIBE", cluster + ".ctl", cluster + ".ctl." + name, *[cluster + ":" + ch for ch in mine[c][2]]))
    c.setblocking(False)
    sel.register(c, selectors.EVENT_READ)

asked = {}  # of one request all nodes' answers, as they come


def answer(c, text):
    name, i, chans = mine[c]
    q = json.loads(text)
    o = {"id": q["id"], "node": name, "start_id": "%016x" % i, "ok": True}
    if q["do"] == "report":
        o.update(version="0.1.0", state="ready", reason="", clients=i % 50, max_clients=20000, uptime_s=1000 + i,
                 redis="127.0.0.1:%d" % port, listen="127.0.0.1:%d" % (10000 + i), config=config, time_ms=0,
                 channels=len(chans), out=i, out_bytes=0, dropped=0, refused=0, queued=0, lagging=0, closing=0,
                 per_second=0.0, redis_errors=0, redis_error="", redis_error_age_s=0, lbs={"lb1-1": i % 50})
        o["in"] = i
    elif q["do"] == "channels":
        o.update(more=0, channels=[{"name": ch, "clients": 1, "queued": 0, "dropped": 0, "in": 1, "out": 1}
                                   for ch in chans if q.get("name") in (None, ch)])
    return words("PUBLISH", q["reply"], json.dumps(o))


ready, buf = set(), {c: b"" for c in mine}
while True:
    out = b""
    for key, _ in sel.select():
        c = key.fileobj
        data = c.recv(1 << 20)
        if not data:
            sys.exit(0)
        if c not in ready and data.count(b"subscribe") >= 1:
            ready.add(c)
            if len(ready) == nodes:
                print("ready", flush=True)
        buf[c] += data
        at = buf[c].rfind(b'{"do"')
        if at < 0:
            at = buf[c].rfind(b'{')
        if at >= 0 and buf[c].endswith(b"}\r\n"):
            out += answer(c, buf[c][at:-2])
            buf[c] = b""
    if out:
        pub.setblocking(True)
        pub.sendall(out)
        pub.setblocking(False)
        try:
            while pub.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
