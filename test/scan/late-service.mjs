// Answers at once; what it does then depends on the path.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
pool.on('error', () => {});

async function act(path) {
  if (path === '/later') {
    void sleep(300).then(() => pool.query("insert into mail (text) values ('late')"));
  } else if (path === '/open') {
    const client = await pool.connect();
    await client.query('begin');
    await client.query("insert into mail (text) values ('open')");
  } else await pool.query("insert into mail (text) values ('now')");
}

createServer((request, response) => {
  act(request.url).then(() => response.writeHead(204).end());
}).listen(Number(process.env.PORT), '127.0.0.1');
