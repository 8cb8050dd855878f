"""Gives most commands a key of their own: of those that share one, only the first gets in."""

import random
import re
import uuid

import schemathesis

valid = re.compile(r"[A-Za-z0-9_.~:+/=-]{8,200}\Z")
chosen = random.Random(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and valid.match(key) and chosen.random() < 0.75:
        case.headers["Idempotency-Key"] = str(uuid.UUID(int=chosen.getrandbits(128)))
