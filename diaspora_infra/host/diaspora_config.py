"""The config files of diaspora*: diaspora.toml, database.yml and schedule.yml. None holds a secret.

Secrets come as environment variables, which diaspora* prefers to its files: ENVIRONMENT_REDIS, those of
`config/secrets.py`, and DB_PASSWORD, which database.yml asks for. The names of the keys are
those of `config/defaults.yml` in diaspora*.
"""

import hashlib
from typing import Any

import tomli_w
import yaml

from diaspora_infra.config import Pod
from diaspora_infra.config.model import Model
from diaspora_infra.host.mail_settings import smtp_table
from diaspora_infra.host.sizes import Sizes

Table = dict[str, Any]


def diaspora_toml(pod: Pod, sizes: Sizes) -> str:
    """Write diaspora.toml with every setting, so that a changed default of diaspora* does not change pods."""
    # Without the table of the Rails environment diaspora* warns at each start.
    return tomli_w.dumps({"configuration": configuration(pod, sizes), "production": {}})


def configuration(pod: Pod, sizes: Sizes) -> Table:
    """Collect the `configuration` table."""
    return {
        "environment": {
            "url": f"https://{pod.domain}/",
            "certificate_authorities": pod.image_layout.certificate_authorities,
            # nginx only forwards requests that came by HTTPS, and sets the header that says so
            "require_ssl": True,
            **_environment(pod, sizes),
        },
        "server": {"rails_environment": "production", "listen": "tcp://0.0.0.0:3000"},
        "map": {"mapbox": _switched(pod.map.mapbox, "enabled")},
        "privacy": {
            **_given(pod.privacy.model_dump(exclude={"piwik", "camo"})),
            "piwik": _switched(pod.privacy.piwik, "enable"),
            "camo": _given(pod.privacy.camo.model_dump()) if pod.privacy.camo else {},
        },
        "settings": {"pod_name": pod.name, **_given(pod.settings.model_dump())},
        "services": _services(pod),
        "mail": _mail(pod),
        "admins": {"account": pod.admin.username, "podmin_email": pod.admin.email},
    }


def _environment(pod: Pod, sizes: Sizes) -> Table:
    table = _given(pod.environment.model_dump())
    sidekiq = table["sidekiq"]
    return {
        **table,
        "sidekiq": {
            "concurrency": sizes.sidekiq_concurrency,
            **sidekiq,
            "backtrace": sidekiq["backtrace"] or False,
        },
    }


def _switched(part: Model | None, switch: str) -> Table:
    """Write a table with its `enable` key, which is true when the table is set."""
    return {switch: part is not None, **(_given(part.model_dump()) if part else {})}


def _services(pod: Pod) -> Table:
    table = {}
    for name in type(pod.services).model_fields:
        part = _switched(getattr(pod.services, name), "enable")
        # where it is not true, diaspora* takes it for the name of the only user
        table[name] = {**part, "authorized": part.get("authorized", True)} if part["enable"] else part
    return table


def _mail(pod: Pod) -> Table:
    if pod.mail is None:
        return {"enable": False}
    return {
        "enable": True,
        "sender_address": pod.mail.sender_address,
        "method": "smtp",
        "smtp": smtp_table(pod),
    }


def _given(table: Table) -> Table:
    """Remove unset keys and empty tables, because TOML has no null."""
    given = {key: _given(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in given.items() if value is not None and value != {}}


class _Quoted(yaml.SafeDumper):
    """YAML with quoted strings: diaspora* evaluates ERB in the file first, and digits must stay a string."""


def _quoted(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')


_Quoted.add_representer(str, _quoted)


def database_yml(sizes: Sizes, *, pooled: bool = False) -> str:
    """Write database.yml; `pooled` when PgBouncer is between the pod and its database.

    The migration alone has the variables of facts.env, by which it goes to the database itself.
    """
    production = {
        "adapter": "postgresql",
        "host": "postgresql",
        "port": 5432,
        "database": "diaspora_production",
        "username": "diaspora",
        "password": "<%= ENV['DB_PASSWORD'] %>",
        "encoding": "unicode",
        "pool": sizes.connections,
    }
    if pooled:
        production |= {
            "host": "<%= ENV['DATABASE_HOST'] || 'pgbouncer' %>",
            # PgBouncer is on the pod's own network, and gives each transaction another connection
            "sslmode": "<%= ENV['DATABASE_TLS'] || 'disable' %>",
            "prepared_statements": False,
        }
    return yaml.dump({"production": production}, Dumper=_Quoted, sort_keys=False, width=1000)


DAILY_JOBS = {
    "check_birthday": "CheckBirthday",
    "clean_cached_files": "CleanCachedFiles",
    "cleanup_old_exports": "CleanupOldExports",
    "cleanup_pending_photos": "CleanupPendingPhotos",
    "queue_users_for_removal": "QueueUsersForRemoval",
    "recheck_scheduled_pods": "RecheckScheduledPods",
    "recurring_pod_check": "RecurringPodCheck",
}
"""Names and classes of the jobs, in the order of config/initializers/sidekiq_scheduled.rb: with other names, or in
another order, diaspora* writes a file of its own."""
_MAX_DELAY = 30
_BETWEEN_JOBS = 2


def schedule_yml(domain: str, start: int) -> str:
    """Write schedule.yml: every job of diaspora* once a day, within three quarters of an hour after `start`.

    `start` is in minutes after midnight. The delay follows from the domain, so that not all pods ask each other at the
    same minute. The machine adds its time zone (write-schedule).
    """
    delay = int(hashlib.sha256(domain.encode()).hexdigest(), 16) % _MAX_DELAY
    lines = ["---"]
    for number, (name, worker) in enumerate(DAILY_JOBS.items()):
        hour, minute = divmod((start + delay + number * _BETWEEN_JOBS) % (24 * 60), 60)
        lines += [f":{name}:", f'  :cron: "{minute} {hour} * * *"', f"  :class: Workers::{worker}"]
    return "\n".join([*lines, ""])
