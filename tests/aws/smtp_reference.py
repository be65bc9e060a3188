"""A second implementation of the password of an SMTP user at Amazon SES."""

import base64
import hashlib
import hmac


def smtp_password(secret: str, region: str) -> str:
    """Made from the secret key as the SES developer guide says (obtaining SMTP credentials, code example)."""
    signature = f"AWS4{secret}".encode()
    for part in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.new(signature, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x04" + signature).decode()
