// An ordinary Express handler with the race in it: it looks, then it acts.
import express from 'express';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
pool.on('error', () => undefined);
const app = express();

app.post('/bookings', async (_request, response) => {
  const { rows } = await pool.query('select count(*)::int as n from booking');
  if (rows[0].n > 0) return response.status(409).json({ error: 'taken' });
  await pool.query("insert into booking (who) values ('me')");
  return response.status(201).json({ booked: true });
});

app.listen(Number(process.env.PORT), '127.0.0.1');
