#!/usr/bin/python3
"""OpenStack Swift with its S3 interface, all four of its servers in one process:

    s3_server.py serve FOLDER PORT REGION             keeps everything in FOLDER, until it is killed
    s3_server.py plant FOLDER BUCKET PREFIX COUNT     lists COUNT objects PREFIX0000000… in a bucket, without storing them

The folder's file system has to keep extended attributes. Users are those of USERS: the key id is ACCOUNT:NAME.
"""
import json
import os
import sys

import eventlet
import eventlet.wsgi
from swift.common import ring, utils, wsgi
from swift.common.ring import RingBuilder

USERS = {"test:tester": "t3ster/Secret+key== .admin", "test:stranger": "str4nger/Secret+key=="}

PIPELINE = "catch_errors gatekeeper listing_formats s3api tempauth bulk slo dlo proxy-server"

PROXY = """
[DEFAULT]
swift_dir = {folder}
log_level = ERROR
[pipeline:main]
pipeline = {pipeline}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:s3api]
use = egg:swift#s3api
storage_domain = localhost
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
{users}
"""

STORAGE = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
log_level = ERROR
disable_fallocate = true
recon_cache_path = {folder}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""


class Cache:
    """What Swift keeps in memcached, which it shares with nobody here."""

    def __init__(self, app):
        self.app = app
        self.values = {}

    def __call__(self, environ, start_response):
        environ["swift.cache"] = self
        return self.app(environ, start_response)

    def get(self, key, **_):
        return json.loads(self.values.get(key, "null"))

    def set(self, key, value, **_):
        self.values[key] = json.dumps(value)

    def delete(self, key, **_):
        self.values.pop(key, None)


def configure(folder):
    """Makes Swift look for its configuration in this folder."""
    utils.SWIFT_CONF_FILE = os.path.join(folder, "swift.conf")
    with open(utils.SWIFT_CONF_FILE, "w") as file:
        file.write("[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = gold\ndefault = yes\n")
    utils.validate_configuration()


def storage_server(folder, kind):
    """Returns a socket that listens for one storage server, and that server as an application. The ring that says where it
    is gets written anew each time, as its port is any that is free."""
    listener = eventlet.listen(("127.0.0.1", 0), backlog=1024)
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": listener.getsockname()[1], "device": "disk",
                     "weight": 1})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))
    return listener, application(folder, f"{kind}-server", STORAGE.format(folder=folder, kind=kind))


def application(folder, name, text):
    path = os.path.join(folder, name + ".conf")
    with open(path, "w") as file:
        file.write(text)
    return wsgi.loadapp(path)


def serve(folder, port, region):
    os.makedirs(os.path.join(folder, "devices", "disk"), exist_ok=True)
    try:
        os.setxattr(folder, "user.pg_ocr", b"x")
    except OSError as error:
        sys.exit(f"{folder} keeps no extended attributes, which Swift needs: {error}; set TMPDIR to a folder that does")
    configure(folder)
    utils.eventlet_monkey_patch()
    filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in PIPELINE.split()[:-1]
                      if name not in ("s3api", "tempauth"))
    users = "\n".join("user_" + name.replace(":", "_") + " = " + rights for name, rights in USERS.items())
    servers = [storage_server(folder, kind) for kind in ("account", "container", "object")]
    proxy = application(folder, "proxy-server", PROXY.format(folder=folder, region=region, pipeline=PIPELINE, users=users) + filters)
    servers.append((eventlet.listen(("127.0.0.1", port), backlog=1024), Cache(proxy)))
    pool = eventlet.GreenPool()
    for listener, app in servers:
        pool.spawn(eventlet.wsgi.server, listener, app, utils.NullLogger(), socket_timeout=60,
                   protocol=wsgi.SwiftHttpProtocol, capitalize_response_headers=False)
    pool.waitall()


def plant(folder, bucket, prefix, count):
    """What a million requests would do: the rows of a listing."""
    configure(folder)
    from swift.container.backend import ContainerBroker
    container_ring = ring.Ring(folder, ring_name="container")
    part = container_ring.get_part("AUTH_test", bucket)
    hashed = utils.hash_path("AUTH_test", bucket)
    path = os.path.join(folder, "devices", "disk", utils.storage_directory("containers", part, hashed), hashed + ".db")
    broker = ContainerBroker(path, account="AUTH_test", container=bucket)
    for first in range(0, count, 10000):
        broker.merge_items([
            {"name": f"{prefix}{number:07d}", "created_at": "1700000000.00000", "size": number, "deleted": 0,
             "content_type": "application/pdf", "etag": f"{number:032x}", "storage_policy_index": 0,
             "ctype_timestamp": None, "meta_timestamp": None}
            for number in range(first, min(first + 10000, count))])


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        plant(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
