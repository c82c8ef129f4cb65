"""What Python's email parser makes of the message on standard input, as JSON. Anything wrong in it is an error."""

import email
import email.policy
import json
import sys

raw = sys.stdin.buffer.read()
message = email.message_from_bytes(raw, policy=email.policy.strict)
defects = [str(defect) for part in message.walk() for defect in part.defects]
for part in message.walk():
    defects += [f"{name}: {defect}" for name, value in part.items() for defect in value.defects]
head = raw.replace(b"\r\n", b"\n").split(b"\n\n")[0].split(b"\n")
leaves = [part for part in message.walk() if not part.is_multipart()]
print(json.dumps({
    "type": message.get_content_type(),
    "names": message.keys(),
    "subject": message["subject"],
    "from": [address.addr_spec for address in message["from"].addresses],
    "to": [address.addr_spec for address in message["to"].addresses] if message["to"] else [],
    "date": message["date"].datetime.timestamp(),
    "id": message["message-id"],
    "auto": message["auto-submitted"],
    "parts": [[part.get_content_type(), part["content-transfer-encoding"], part.get_content()] for part in leaves],
    "longest_head": max(map(len, head)),
    "longest": max(map(len, raw.split(b"\n"))),
    "ascii": raw.isascii(),
    "defects": defects,
}))
