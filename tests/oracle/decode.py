"""One message body -> what it becomes. Reads the contract's section 2 line by line."""
import base64
import re
from collections import namedtuple

from . import clock, number, strict_json
from .strict_json import Num, Refused

MAX_BODY = 1 << 20
MAX_NAME = 256
SNOWFLAKE_EPOCH_MS = 1288834974657
FIRST_SANE_MS = 631152000000
BLANK_BYTES = b" \t\r\n"
SECRET = "deviceSecret"

Row = namedtuple("Row", "device time_ms messageid source fault values")
Event = namedtuple("Event", "device time_ms messageid source fault state last_contact")
Stored = namedtuple("Stored", "messageid rows event")
Rejected = namedtuple("Rejected", "reason messageid body holds_secret")

Options = namedtuple("Options", "payload_tz time_fields")
Options.__new__.__defaults__ = ("+08:00", ("time", "timestamp", "ts"))


class Bad(Exception):
    """Carries a reason."""


# --- layers ------------------------------------------------------------------------------------

_DATA = re.compile(rb"[A-Za-z0-9+/_-]*")


def decode_base64(data):
    """Bytes, or None. Blanks ignored, padding optional, both alphabets."""
    data = data.translate(None, BLANK_BYTES)
    letters = data.rstrip(b"=")
    padding = len(data) - len(letters)
    if not _DATA.fullmatch(letters) or len(letters) % 4 == 1:
        return None
    if padding and (not letters or (len(letters) + padding) % 4 != 0 or padding > 2):
        return None
    letters = letters.replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def read_envelope(body):
    if body.lstrip(BLANK_BYTES)[:1] != b"{":
        body = decode_base64(body)
        if body is None:
            raise Bad("bad-base64")
    try:
        envelope = strict_json.parse_bytes(body)
    except Refused:
        raise Bad("bad-json") from None
    if not isinstance(envelope, dict):
        raise Bad("bad-json")
    return envelope


_INTEGER = re.compile(r"(?:0|[1-9][0-9]*)")


def read_messageid(envelope):
    if "messageid" not in envelope:
        raise Bad("no-messageid")
    text = envelope["messageid"]
    if not isinstance(text, str) or not _INTEGER.fullmatch(text) or len(text) > 20:
        raise Bad("bad-messageid")
    value = int(text)
    if value >= 1 << 64:
        raise Bad("bad-messageid")
    return value


def read_type(envelope):
    kind = envelope.get("messagetype")
    if isinstance(kind, Num) or kind not in ("status", "upload"):
        raise Bad("unknown-type")
    return kind


def read_timestamp(envelope):
    text = envelope.get("timestamp")
    if not isinstance(text, Num) or not _INTEGER.fullmatch(text) or len(text) > 12:
        raise Bad("bad-time")
    if not 631152000 <= int(text) <= 4102444799:
        raise Bad("bad-time")
    return int(text)


def read_payload(envelope):
    payload = envelope.get("payload")
    if not isinstance(payload, str) or isinstance(payload, Num):
        raise Bad("payload-not-json")
    if payload.lstrip(" \t\r\n")[:1] == "{":
        raw = payload.encode()
    else:
        raw = decode_base64(payload.encode())
        if raw is None:
            raise Bad("bad-base64")
    try:
        out = strict_json.parse_bytes(raw)
    except Refused:
        raise Bad("payload-not-json") from None
    if not isinstance(out, dict):
        raise Bad("payload-not-json")
    return out


# --- devices -----------------------------------------------------------------------------------


def _text(value):
    return value if isinstance(value, str) and not isinstance(value, Num) else None


def device_of_topic(topic, is_status):
    if topic is None:
        return None
    parts = (topic[1:] if topic.startswith("/") else topic).split("/")
    if is_status and parts[:3] == ["as", "mqtt", "status"] and len(parts) > 3:
        parts = parts[3:]
    elif parts[0] == "sys":
        parts = parts[1:]
    if len(parts) < 2 or not parts[0] or not parts[1]:
        return None
    return parts[0] + "/" + parts[1]


def read_device(kind, envelope, payload):
    device = None
    if kind == "status":
        product, name = _text(payload.get("productKey")), _text(payload.get("deviceName"))
        if product and name:
            device = product + "/" + name
    if device is None:
        device = device_of_topic(_text(envelope.get("topic")), kind == "status")
    if device is None:
        raise Bad("no-device")
    if len(device.encode()) > MAX_NAME:
        raise Bad("too-long")
    return device


# --- business time -----------------------------------------------------------------------------


def read_time(name, value, zone):
    """(ms or None, looks broken): any payload time."""
    if not isinstance(value, str):
        return None, False
    text = value if isinstance(value, Num) else value.strip(clock.BLANKS)
    if isinstance(value, Num) or re.fullmatch("[0-9]+", text):
        if re.fullmatch("[0-9]{10}", text):
            return int(text) * 1000, False
        if re.fullmatch("[0-9]{13}", text):
            return int(text), False
        return None, True
    if name.startswith("utc"):
        zone = clock.timezone.utc
    return clock.read_text_time(text, zone), False


def business_time(candidates, messageid, timestamp, zone):
    """(ms, source, fault) from payload candidates [(name, value)], the id, the envelope."""
    fault = False
    for name, value in candidates:
        ms, broken = read_time(name, value, zone)
        if ms is not None and (ms < FIRST_SANE_MS or ms > timestamp * 1000 + clock.DAY_MS):
            broken = True
        if broken:
            fault = True
        elif ms is not None:
            return ms, "payload", fault
    ms = (messageid >> 22) + SNOWFLAKE_EPOCH_MS
    if abs(ms - timestamp * 1000) <= 600000:
        return ms, "messageid", fault
    return timestamp * 1000, "envelope", fault


# --- what the payload says ---------------------------------------------------------------------


def collect_numbers(name, value, out):
    """Puts every number at or below a member into out, in document order, the last one wins."""
    if isinstance(value, dict):
        for member, inner in value.items():
            if member != SECRET:
                collect_numbers(name + "." + member, inner, out)
        return
    if value is True:
        found = number.ONE
    elif value is False:
        found = number.ZERO
    elif isinstance(value, Num) or (isinstance(value, str) and strict_json.is_number_text(value)):
        found = number.value_of_text(value)
    else:
        return
    out.pop(name, None)
    out[name] = found


def check_metric_names(values):
    for name in values:
        if len(name) * 4 > MAX_NAME and len(name.encode()) > MAX_NAME:
            raise Bad("too-long")


def decode_custom(device, messageid, timestamp, payload, options):
    zone = clock.zone_of(options.payload_tz)
    values = {}
    for name, value in payload.items():
        if name not in options.time_fields and name != SECRET:
            collect_numbers(name, value, values)
    check_metric_names(values)
    if not values:
        raise Bad("no-numbers")
    candidates = [(name, payload[name]) for name in options.time_fields if name in payload]
    ms, source, fault = business_time(candidates, messageid, timestamp, zone)
    return [Row(device, ms, messageid, source, fault, values)]


def decode_items(device, messageid, timestamp, payload, options):
    zone = clock.zone_of(options.payload_tz)
    rows = {}
    for item_id, item in payload["items"].items():
        if not isinstance(item, dict) or item_id == SECRET:
            continue
        values = {}
        collect_numbers(item_id, item.get("value"), values)
        if not values:
            continue
        check_metric_names(values)
        candidates = [(n, p[n]) for n, p in (("time", item), ("gmtCreate", payload)) if n in p]
        ms, source, fault = business_time(candidates, messageid, timestamp, zone)
        if ms not in rows:
            rows[ms] = Row(device, ms, messageid, source, fault, values)
            continue
        row = rows[ms]
        for name, value in values.items():
            row.values.pop(name, None)
            row.values[name] = value
        rows[ms] = row._replace(fault=row.fault or fault)
    if not rows:
        raise Bad("no-numbers")
    return list(rows.values())


def decode_status(device, messageid, timestamp, payload, options):
    zone = clock.zone_of(options.payload_tz)
    state = payload.get("status")
    if isinstance(state, Num) or state not in ("online", "offline"):
        raise Bad("bad-status")
    candidates = [(name, payload[name]) for name in ("utcTime", "time") if name in payload]
    ms, source, fault = business_time(candidates, messageid, timestamp, zone)
    contact = None
    for name in ("utcLastTime", "lastTime"):
        if contact is None and name in payload:
            contact, _ = read_time(name, payload[name], zone)
    return Event(device, ms, messageid, source, fault, state, contact)


def decode_body(body, options=Options()):
    """Stored or Rejected. Knows nothing of duplicates."""
    messageid = None
    try:
        if len(body) > MAX_BODY:
            raise Bad("too-long")
        envelope = read_envelope(body)
        messageid = read_messageid(envelope)
        kind = read_type(envelope)
        timestamp = read_timestamp(envelope)
        payload = read_payload(envelope)
        device = read_device(kind, envelope, payload)
        if kind == "status":
            event = decode_status(device, messageid, timestamp, payload, options)
            return Stored(messageid, [], event)
        how = decode_items if isinstance(payload.get("items"), dict) else decode_custom
        return Stored(messageid, how(device, messageid, timestamp, payload, options), None)
    except Bad as bad:
        return Rejected(str(bad), messageid, body[:MAX_BODY], holds_secret(body))


# --- secrets -----------------------------------------------------------------------------------


def holds_secret(body):
    """True when the word stands in any layer that can be decoded."""
    word = SECRET.encode()
    layers = [body]
    decoded = decode_base64(body)
    if decoded is not None:
        layers.append(decoded)
    for layer in list(layers):
        try:
            envelope = strict_json.parse_bytes(layer)
        except Refused:
            continue
        if SECRET in _all_text(envelope):
            return True
        payload = envelope.get("payload") if isinstance(envelope, dict) else None
        if isinstance(payload, str):
            decoded = decode_base64(payload.encode())
            layers += [payload.encode()] + ([decoded] if decoded is not None else [])
            for inner in layers[-2:]:
                try:
                    if SECRET in _all_text(strict_json.parse_bytes(inner)):
                        return True
                except Refused:
                    pass
    # Base64 of the word shows its middle wherever it stands, also where a layer is cut or broken.
    encoded = [base64.b64encode(b"\0" * n + word)[4 : 4 + 12] for n in (1, 2, 3)]
    return any(w in layer for layer in layers for w in [word] + encoded)


def _all_text(value):
    if isinstance(value, dict):
        return "\n".join(k + "\n" + _all_text(v) for k, v in value.items())
    if isinstance(value, list):
        return "\n".join(_all_text(v) for v in value)
    return value if isinstance(value, str) else ""
