"""How the pod sends its mail: for diaspora*, and for alerts to the podmin."""

from typing import Any

from diaspora_infra.config import Pod


def smtp_table(pod: Pod) -> dict[str, Any]:
    """Write the table `mail.smtp` of diaspora.toml. Raises ValueError without mail."""
    if pod.mail is None:
        raise ValueError("pod.mail is not set")
    smtp = pod.mail.smtp
    if smtp is None:
        # the relay knows the pod by its network; "none" also means: without STARTTLS
        return {
            "host": "relay",
            "port": 25,
            "authentication": "none",
            "starttls_auto": False,
            "domain": pod.domain,
            "openssl_verify_mode": "peer",
        }
    authentication = smtp.authentication or ("none" if smtp.username is None else "plain")
    return {
        "host": smtp.host,
        "port": smtp.port,
        # "none" also means: without STARTTLS
        "authentication": authentication,
        # at Amazon SES only the machine knows it
        **({} if smtp.username is None else {"username": smtp.username}),
        "starttls_auto": authentication != "none",
        "domain": smtp.domain or pod.domain,
        "openssl_verify_mode": smtp.openssl_verify_mode,
    }


def alert_settings(pod: Pod) -> dict[str, Any]:
    """Write what send-mail.rb needs to know, but for the password. Raises ValueError without mail."""
    smtp = smtp_table(pod)
    sender = pod.mail.sender_address if pod.mail else ""
    return {
        "from": sender,
        "to": pod.admin.email,
        "certificate_authorities": pod.image_layout.certificate_authorities,
        "smtp": smtp,
    }
