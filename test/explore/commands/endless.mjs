// A program that starts others, one of them in a session of its own, and never ends by itself soon.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import pg from 'pg';

const idle = ['-e', 'setInterval(() => {}, 1000)'];
const ours = spawn(process.execPath, idle, { stdio: 'ignore' });
const apart = spawn(process.execPath, idle, { stdio: 'ignore', detached: true });
appendFileSync(process.env.ENDLESS_PIDS, `${process.pid} ${ours.pid} ${apart.pid}\n`);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
client.on('error', () => {});
await client.connect();
for (let row = 0; row < 4; row++) await client.query("insert into booking (who) values ('me')");
await client.end();
ours.kill();
apart.kill();
