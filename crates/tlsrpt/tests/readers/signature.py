"""Says whether the DKIM signature of the message on standard input holds, as dkimpy sees it: signature.py NAME RECORD KIND."""

import sys

try:
    import dkim
    import nacl  # noqa: F401  (for Ed25519)
except ImportError:
    print("no dkimpy")
    sys.exit()

name, record, kind = sys.argv[1:]


def lookup(asked, timeout=5):
    return record.encode() if asked.decode() == name + "." else None


kinds = {"mail": False, "report": True, "strict": "strict"}
holds = dkim.verify(sys.stdin.buffer.read(), dnsfunc=lookup, tlsrpt=kinds[kind])
print("pass" if holds else "fail")
