"""Takes 80 from an account that holds 100: reads the balance, then writes the new one."""
import os
import sys

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    row = connection.execute("select cents from account where id = 1").fetchone()
    if row is None or row[0] < 80:
        sys.exit("not enough money")
    connection.execute("update account set cents = %s where id = 1", (row[0] - 80,))
    connection.execute("insert into withdrawal (cents) values (80)")
