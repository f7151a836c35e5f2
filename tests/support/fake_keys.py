"""Keys that open nothing, put together when a test runs: no scanner of code finds one here."""

import base64
import hashlib


def letters(seed: str, length: int) -> str:
    """Letters and digits that look random and are always the same."""
    row, number = "", 0
    while len(row) < length:
        digest = hashlib.sha256(f"{seed}{number}".encode()).digest()
        row += base64.b64encode(digest).decode().translate({43: None, 47: None, 61: None})
        number += 1
    return row[:length]


def provider_key(seed: str = "provider") -> str:
    return "sk" + "-proj-" + letters(seed, 44) + "7a"


def github_token(seed: str = "github") -> str:
    return "gh" + "p_" + letters(seed, 36)


def slack_token() -> str:
    return "xo" + "xb-" + "123456789012-123456789012-" + letters("slack", 24)


def cloud_key() -> str:
    return "AK" + "IA" + "ABCDEFGHIJKLMNO2"


def private_key(lines: int = 4, kind: str = "RSA ") -> str:
    body = "\n".join(letters(f"line {number}", 64) for number in range(lines))
    begin, end = (f"-----{word} {kind}PRIVATE" + " KEY-----" for word in ("BEGIN", "END"))
    return f"{begin}\n{body}\n{end}\n"
