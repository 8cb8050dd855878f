// Books a seat, and remembers in its own memory what is sold out: wrong as soon as there are two of it.
import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
pool.on('error', () => {});
const soldOut = new Set();

async function book(slot) {
  if (soldOut.has(slot)) return 409;
  soldOut.add(slot);
  await pool.query("insert into booking (slot_id, who) values ($1, 'somebody')", [slot]);
  return 201;
}

createServer((request, response) => {
  book(Number(request.url.split('/')[2]))
    .catch(() => 500)
    .then(status => response.writeHead(status).end());
}).listen(Number(process.env.PORT), '127.0.0.1');
