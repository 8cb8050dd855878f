"""The cure: one statement decides and takes, and whoever finds too little is told so."""
import os
import sys

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    taken = connection.execute(
        "update account set cents = cents - 80 where id = 1 and cents >= 80"
    )
    if taken.rowcount == 0:
        sys.exit("not enough money")
    connection.execute("insert into withdrawal (cents) values (80)")
