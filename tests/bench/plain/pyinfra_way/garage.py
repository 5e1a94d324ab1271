# Copyright (c) 2026, selfhost.aistack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on the host: garage.py WANTED.json gives Garage its layout, a key and buckets where they are missing or differ."""

import http.client
import json
import sys
import time


def main(path):
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    secrets = wanted["secrets"]
    headers = {"Authorization": f"Bearer {secrets['admin_token']}", "Content-Type": "application/json"}

    def call(operation, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", wanted["ports"]["admin"], timeout=30)
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", f"/v2/{operation}", data, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 404):
            raise OSError(f"Garage answered {operation} with {answer.status}: {text.decode()}")
        return json.loads(text) if answer.status == 200 else None

    layout = first_answer(lambda: call("GetClusterLayout"))
    if not layout["roles"]:
        node = next(iter(call("GetNodeInfo?node=self")["success"]))
        call("UpdateClusterLayout", {"roles": [{"id": node, "zone": "dc1", "capacity": 20000000000, "tags": []}]})
        call("ApplyClusterLayout", {"version": layout["version"] + 1})
    if call(f"GetKeyInfo?id={secrets['key_id']}") is None:
        key = {"accessKeyId": secrets["key_id"], "secretAccessKey": secrets["key_secret"], "name": "gateway"}
        call("ImportKey", key)
    for bucket in wanted["buckets"]:
        found = call(f"GetBucketInfo?globalAlias={bucket['name']}") or call(
            "CreateBucket", {"globalAlias": bucket["name"]}
        )
        rules = {"lifecycleRules": bucket["lifecycle"], "corsRules": bucket["cors"]}
        if found["websiteAccess"] != bucket["website"] or any((found.get(k) or []) != v for k, v in rules.items()):
            site = {"enabled": True, "indexDocument": "index.html"} if bucket["website"] else {"enabled": False}
            call(f"UpdateBucket?id={found['id']}", {"websiteAccess": site, **rules})
        if [key["accessKeyId"] for key in found["keys"]] != [secrets["key_id"]]:
            rights = {"read": True, "write": True, "owner": False}
            call("AllowBucketKey", {"bucketId": found["id"], "accessKeyId": secrets["key_id"], "permissions": rights})


def first_answer(ask, patience_s=60):
    """Ask until the server, which has just been started, answers."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main(sys.argv[1])
