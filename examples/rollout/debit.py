"""Debits gift cards beside the service while a rollout moves them from lock to lock.

Usage: debit.py CARD [CARD …], with DATABASE_URL. Debits one cent of a random card after the other until
its standard input is closed; then it prints what it did, as JSON. Knows two of the service's locks.
"""
import hashlib
import json
import os
import random
import select
import sys
import uuid

import psycopg

SCENARIO, VARIANT = "gift-card", "plain"


def group_of(key):
    """Of 100: the first 32 bits of the key's SHA-256, modulo 100. The same as in the service."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100


def assignment_of(connection, key):
    """Which strategy decides the key, and the gate that proves it. It may be old a moment later."""
    group = group_of(key)
    row = connection.execute(
        "select epoch, strategy from lockstep_assignments"
        " where scenario = %s and variant = %s and key_group = %s",
        (SCENARIO, VARIANT, group),
    ).fetchone()
    connection.commit()
    if row is None:  # never assigned: the strategy that all processes were started with
        return "row-lock", f"{SCENARIO}/{VARIANT}"
    epoch, strategy = row
    return strategy, f"{SCENARIO}/{VARIANT}/{group}/{epoch}"


def debit(connection, card, pause=lambda: None):
    """One cent. False where the gate was gone: nothing has happened, so ask for the assignment anew."""
    key = f"gift_cards/{card}"
    strategy, gate = assignment_of(connection, key)
    pause()
    try:
        # the first statement of the transaction, before any that takes a snapshot
        connection.execute(f'lock table lockstep_gates."{gate}" in access share mode')
        lock = " for no key update" if strategy == "row-lock" else ""
        if strategy == "advisory-transaction":
            connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (key,))
        elif strategy != "row-lock":
            raise SystemExit(f"this program does not know {strategy}")
        (balance,) = connection.execute(
            "select balance_cents from gift_cards where id = %s" + lock, (card,)
        ).fetchone()
        connection.execute(
            "update gift_cards set balance_cents = %s where id = %s", (balance - 1, card)
        )
        connection.execute(
            "insert into gift_card_debits (card_id, amount_cents, command_id) values (%s, 1, %s)",
            (card, str(uuid.uuid4())),
        )
        connection.commit()
        return strategy
    except psycopg.errors.UndefinedTable:
        connection.rollback()
        return False


def main(cards):
    done = {}
    refused = 0
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0)[0]:
            under = debit(connection, random.choice(cards))
            if under:
                done[under] = done.get(under, 0) + 1
            else:
                refused += 1
    print(json.dumps({"debits": done, "refused": refused}))


if __name__ == "__main__":
    main(sys.argv[1:])
