"""How much a pod is used: three pods to reckon with, and those between. They are assumptions, none was measured."""

from dataclasses import dataclass, fields
from decimal import Decimal

HOURS_A_MONTH = 730
"""Hours that AWS itself reckons a month with."""


@dataclass(frozen=True)
class Traffic:
    """What a pod of this size uses in a month; GB where nothing else is said."""

    who: str
    """People on it, in words."""
    requests: Decimal
    """Requests to the web server, in millions: people, and other pods."""
    surplus_cpu: Decimal
    """Hours of a virtual CPU above the share of the machine that a quieter time does not pay back within a day."""
    traffic_out: Decimal
    """Traffic to the internet."""
    traffic_between_zones: Decimal
    """Traffic between the machine and the database or the VPC link, where they are in two zones; each direction."""
    database: Decimal
    """Size of the database."""
    database_changes: Decimal
    """Change of the database in a day."""
    database_requests: Decimal
    """Reads and writes of Aurora's storage, in millions."""
    database_acu: Decimal
    """Mean capacity of Aurora while it is awake, in ACU; `minAcu` and `maxAcu` count too."""
    uploads: Decimal
    """Pictures and archives, with older versions that S3 still keeps."""
    volume: Decimal
    """What else lies on the data volume: Redis, keys, logs; without the swap file."""
    volume_changes: Decimal
    """Change of that in a day."""
    backups: Decimal
    """What restic keeps, with older versions."""
    storage_writes: Decimal
    """Writes and listings in the bucket of the uploads, in thousands."""
    storage_reads: Decimal
    """Reads from it, in thousands; the weekly backup asks for every file, five in 2 MB."""
    backup_writes: Decimal
    """Writes of restic, in thousands."""
    mails: Decimal
    """Mails, in thousands."""
    dns_queries: Decimal
    """Questions for the pod's names, in millions."""
    connection_log: Decimal
    """Size of the connection log of the VPC, where it is turned on."""


def _traffic(who: str, **numbers: str) -> Traffic:
    return Traffic(who, **{name: Decimal(number) for name, number in numbers.items()})


TRAFFIC = {
    "low": _traffic(
        "a few people",
        requests="0.05", surplus_cpu="0", traffic_out="5", traffic_between_zones="1",
        database="1", database_changes="0.02", database_requests="0.3", database_acu="0.5",
        uploads="2", volume="1", volume_changes="0.05", backups="3",
        storage_writes="2", storage_reads="42", backup_writes="2",
        mails="0.1", dns_queries="0.05", connection_log="0.5",
    ),
    "typical": _traffic(
        "twenty people",
        requests="0.2", surplus_cpu="0", traffic_out="20", traffic_between_zones="5",
        database="4", database_changes="0.1", database_requests="1", database_acu="0.5",
        uploads="10", volume="2", volume_changes="0.1", backups="12",
        storage_writes="10", storage_reads="210", backup_writes="5",
        mails="1", dns_queries="0.1", connection_log="2",
    ),
    "busy": _traffic(
        "two hundred people",
        requests="2", surplus_cpu="0", traffic_out="200", traffic_between_zones="50",
        database="20", database_changes="1", database_requests="20", database_acu="1",
        uploads="100", volume="5", volume_changes="0.5", backups="110",
        storage_writes="100", storage_reads="2090", backup_writes="20",
        mails="10", dns_queries="1", connection_log="10",
    ),
}  # fmt: skip
"""The three, by name."""

PEOPLE = {"low": 5, "typical": 20, "busy": 200}
"""How many people each of them has."""


def traffic_of(people: int) -> Traffic:
    """What a pod with so many people uses: on the lines through the three, and never less than the smallest."""
    counts = list(PEOPLE.values())
    upper = next((index for index, count in enumerate(counts[1:], 1) if people <= count), len(counts) - 1)
    (less, one), (more, other) = ((counts[index], TRAFFIC[list(PEOPLE)[index]]) for index in (upper - 1, upper))
    share = Decimal(max(people, counts[0]) - less) / (more - less)

    def between(name: str) -> Decimal:
        low, high = getattr(one, name), getattr(other, name)
        return Decimal(low + (high - low) * share)

    numbers = {field.name: between(field.name) for field in fields(Traffic) if field.name != "who"}
    return Traffic(people_words(people), **numbers)


def people_words(people: int) -> str:
    """`1 person`, `5 people`."""
    return f"{people} {'person' if people == 1 else 'people'}"
