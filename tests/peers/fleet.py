# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fleet of hosts, each with the metrics of a textfile collector: /HOST/metrics, and /second for what comes later.

fleet.py FILE COUNT DIRECTORY: FILE is what vfpool status --format prometheus has written on one host. All hosts have
it, but those whose number says what is wrong with them. Prints the port.
"""
import functools
import http.server
import re
import sys
import threading
import time

text = open(sys.argv[1]).read()
count = int(sys.argv[2])
second = threading.Event()


def set_value(text, series, value):
    new, found = re.subn(r'(?m)^(%s) \S+$' % re.escape(series), r'\g<1> %s' % value, text)
    assert found == 1, series
    return new


@functools.lru_cache(None)
def metrics(number, later):
    """All but when it was written."""
    own = text
    vfs = 'vfpool_vfs{pool="passthrough",pf="eth3",state="%s"}'
    if number % 100 == 7:  # nearly used up
        own = set_value(set_value(set_value(own, vfs % 'free', 1), vfs % 'held', 7), vfs % 'claimed', 0)
    if number % 100 == 17:  # down, with guests
        own = set_value(own, 'vfpool_pf_up{pool="passthrough",pf="eth3"}', 0)
    if number % 100 == 27:
        own = set_value(own, vfs % 'quarantined', 1)
    if number % 100 == 37:
        own = set_value(own, 'vfpool_doctor_verdict{check="calls"}', 2)
    if number % 100 == 47 and later:
        own = set_value(own, 'vfpool_settlings_total{result="failed"}', 1)
    if number % 100 == 57:
        own = set_value(own, 'vfpool_pool_in_service{pool="passthrough"}', 0)
    if number % 100 == 67 and later:
        own = set_value(own, 'vfpool_refusals_total{reason="exhausted"}', 2)
    return own


def answer(number):
    own = metrics(number, second.is_set())
    written = time.time() - (3600 if number % 100 == 77 else 1)
    return own + ('# TYPE node_textfile_mtime_seconds gauge\n'
                  'node_textfile_mtime_seconds{file="/var/lib/prometheus/node-exporter/vfpool.prom"} %f\n' % written)


class Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/second':
            second.set()
            body = b''
        else:
            body = answer(int(re.fullmatch(r'/host-(\d+)/metrics', self.path)[1])).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain; version=0.0.4')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Host)
server.request_queue_size = count
port = server.server_address[1]
print(port, flush=True)
server.serve_forever()
