"""Reads a report in a mail from standard input as strictly as RFC 8460 allows; says "ok", or fails."""

import email
import email.policy
import gzip
import ipaddress
import json
import re
import sys
from datetime import datetime, timedelta

RESULT_TYPES = {
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
    "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
    "sts-policy-invalid", "sts-webpki-invalid",
}
DOMAIN = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"


def check(holds, what):
    if not holds:
        raise ValueError(what)


def text(value):
    check(isinstance(value, str) and value, f"no text: {value!r}")
    # RFC 7493 2.1
    check(not any(ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF or ord(c) < 32 for c in value), f"{value!r}")


def texts(value):
    check(isinstance(value, list), f"no array: {value!r}")
    for one in value:
        text(one)


def count(value):
    check(type(value) is int and 0 <= value < 2**53, f"no count: {value!r}")


def address(value):
    text(value)
    # the RFC 5952 form is what Python writes
    check(str(ipaddress.ip_address(value)) == value, f"no address: {value!r}")


def one_of(*values):
    return lambda value: check(value in values, f"{value!r} is none of {values}")


def matches(pattern):
    return lambda value: check(isinstance(value, str) and re.fullmatch(pattern, value), f"{value!r} is no {pattern}")


def fields(value, required, optional=None):
    """An object with these members and no others."""
    check(isinstance(value, dict), f"no object: {value!r}")
    optional = optional or {}
    check(required.keys() <= value.keys(), f"missing: {required.keys() - value.keys()}")
    check(value.keys() <= required.keys() | optional.keys(), f"unknown in {value.keys()}")
    for name, member in value.items():
        (required | optional)[name](member)


def no_check(_):
    pass


def once(pairs):
    check(len(dict(pairs)) == len(pairs), "a member twice")
    return dict(pairs)


def policy(value):
    kind = value.get("policy-type")
    required = {
        "policy-type": one_of("tlsa", "sts", "no-policy-found"),
        "policy-string": texts,
        "policy-domain": text,
    }
    if kind == "sts":
        required["mx-host"] = texts
    fields(value, required)


def details(value):
    check(isinstance(value, list), "failure-details is no array")
    for one in value:
        fields(
            one,
            {"result-type": one_of(*RESULT_TYPES), "failed-session-count": count},
            {
                "sending-mta-ip": address, "receiving-mx-hostname": text, "receiving-mx-helo": text,
                "receiving-ip": address, "additional-information": matches(r"[!-~]+"), "failure-reason-code": text,
            },
        )


def results(value):
    check(isinstance(value, list), "policies is no array")
    for one in value:
        fields(one, {"policy": policy, "summary": no_check, "failure-details": details})
        summary = {"total-successful-session-count": count, "total-failure-session-count": count}
        fields(one["summary"], summary)
        failed = sum(entry["failed-session-count"] for entry in one["failure-details"])
        check(one["summary"]["total-failure-session-count"] == failed, "the sums differ")


def report(raw):
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
    moment = matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    fields(
        value,
        {
            "organization-name": text,
            "date-range": lambda range: fields(range, {"start-datetime": moment, "end-datetime": moment}),
            "contact-info": matches(r"[!-?A-~]+@" + DOMAIN),
            "report-id": text,
            "policies": results,
        },
    )
    return value


def mail(raw):
    check(raw.isascii(), "not ASCII")
    lines = raw.split(b"\r\n")
    check(not any(b"\r" in line or b"\n" in line or len(line) > 998 for line in lines), "a line is no line")
    message = email.message_from_bytes(raw, policy=email.policy.strict)
    check(message.get_content_type() == "multipart/report", message.get_content_type())
    check(message.get_param("report-type") == "tlsrpt", "another report-type")
    for name in ("From", "To", "Date", "Subject", "Message-ID", "TLS-Report-Domain", "TLS-Report-Submitter",
                 "TLS-Required", "MIME-Version", "Auto-Submitted"):
        check(len(message.get_all(name, [])) == 1, f"{name} is not there once")
    check(message["TLS-Required"] == "No", "TLS-Required")
    words, file = message.iter_parts()
    check(words.get_content_type() == "text/plain", "the first part is no text")
    check("RFC 8460" in words.get_content(), "the text says nothing")
    check(file.get_content_type() == "application/tlsrpt+gzip", file.get_content_type())
    check(file.get_content_disposition() == "attachment", "no attachment")
    value = report(gzip.decompress(file.get_content()))

    subject = re.fullmatch(
        rf"Report Domain: ({DOMAIN}) Submitter: ({DOMAIN}) Report-ID: <([!-;=?A-~]+)@([!-;=?A-~]+)>", message["Subject"])
    check(subject, f"subject: {message['Subject']}")
    domain, submitter, report_id, _ = subject.groups()
    check(report_id == value["report-id"], "another report-id in the subject")
    check(message["TLS-Report-Domain"] == domain, "another domain")
    check(message["TLS-Report-Submitter"] == submitter, "another submitter")
    check(value["contact-info"].endswith("@" + submitter), "the contact is not at the submitter")
    check(message["From"].addresses[0].domain == submitter, "From is not at the submitter")

    name = re.fullmatch(rf"({DOMAIN})!({DOMAIN})!(\d+)!(\d+)(![A-Za-z0-9]+)?\.json\.gz", file.get_filename())
    check(name, f"file name: {file.get_filename()}")
    check(name.group(1) == submitter and name.group(2) == domain, "the file's name is another's")
    begin, end = (datetime.fromisoformat(value["date-range"][which].replace("Z", "+00:00"))
                  for which in ("start-datetime", "end-datetime"))
    check((int(name.group(3)), int(name.group(4))) == (begin.timestamp(), end.timestamp()), "the file's times")
    check(begin.strftime("%H:%M:%S") == "00:00:00" and end - begin == timedelta(seconds=86399), "not a full day")


mail(sys.stdin.buffer.read())
print("ok")
