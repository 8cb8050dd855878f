// Unmodified code that knows nothing of an explorer: its database is where DATABASE_URL says.
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
const { rows } = await client.query('select count(*)::int as n from booking');
if (process.argv[2] === 'slowly') await new Promise(resolve => setTimeout(resolve, 2_000));
if (rows[0].n === 0) await client.query("insert into booking (who) values ('me')");
await client.end();
