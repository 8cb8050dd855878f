// Pays an invoice once: looks, charges at PROVIDER_URL, notes it. The place where a replay would cost money.
import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
pool.on('error', () => {});

async function pay(invoice) {
  const { rowCount } = await pool.query('select from payment where invoice_id = $1', [invoice]);
  if (rowCount > 0) return 409;
  const charge = await fetch(`${process.env.PROVIDER_URL}/charges`, {
    method: 'POST',
    body: JSON.stringify({ invoice }),
  });
  if (!charge.ok) return 502;
  const { id } = await charge.json();
  await pool.query('insert into payment (invoice_id, charge) values ($1, $2)', [invoice, id]);
  return 201;
}

createServer((request, response) => {
  const invoice = Number(request.url.split('/')[2]);
  pay(invoice)
    .catch(() => 502)
    .then(status => response.writeHead(status).end());
}).listen(Number(process.env.PORT), '127.0.0.1');
