/**
 * Started by `enclosed`, alone in a network that leads nowhere: opens the doors to the servers and judges
 * the job. Everything that it starts is in there with it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../error-message.ts';
import { judge } from '../judge.ts';
import type { FromWorker, Job, ToWorker } from './job.ts';
import { openNames, reachedBy, reachedPath, tracer } from './names.ts';
import { answerAsRecorded } from './provider-answers.ts';
import { openDoor } from './relay.ts';
import { insideFolder } from './script.ts';

/** Addresses that no network uses (RFC 2544): they stand for hosts that are let through. */
const standIn = (index: number): string => `198.18.0.${index + 1}`;

/** What is under way is closed by then. */
const closeMs = 20_000;
const abort = new AbortController();

async function tell(message: FromWorker): Promise<void> {
  if (!process.connected) return;
  await new Promise<void>(resolve => process.send?.(message, () => resolve()));
}

/** The same URL at another port of this machine. */
function at(url: string, port: number): string {
  const parsed = new URL(url);
  parsed.hostname = '127.0.0.1';
  parsed.port = String(port);
  return parsed.href;
}

/** Which address a host that is let through has in here. */
async function openHosts(job: Job): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, string>();
  const before = 1 + job.redisUrls.length;
  for (const [index, target] of job.allowHosts.entries()) {
    const { hostname, port } = new URL(`http://${target}`);
    const local = /^(localhost|127\.|\[::1\])/.test(hostname);
    const literal = /^[\d.]+$/.test(hostname);
    const host = local ? '127.0.0.1' : literal ? hostname : standIn(index);
    if (!local && !literal) known.set(hostname.toLowerCase(), host);
    await openDoor(insideFolder, before + index, { host, port: Number(port || 80) });
  }
  return known;
}

async function work(job: Job): Promise<void> {
  const outside = new Set<string>();
  const closeNames = await openNames(await openHosts(job), host => outside.add(host));
  const postgres = await openDoor(insideFolder, 0, { host: '127.0.0.1', port: 0 });
  const redisUrls: string[] = [];
  for (const [index, url] of job.redisUrls.entries()) {
    const door = await openDoor(insideFolder, 1 + index, { host: '127.0.0.1', port: 0 });
    redisUrls.push(at(url, door.port));
  }
  const file = join(insideFolder, 'tracer.cjs');
  writeFileSync(file, tracer);
  writeFileSync(reachedPath(insideFolder), '', { mode: 0o666 });
  const options = process.env.NODE_OPTIONS ?? '';
  const { providers, calls } = job.recording;
  const answers = await answerAsRecorded(providers, calls, what => outside.add(what));
  const answering = Object.values(answers.env).map(url => new URL(url).host);
  const result = await judge(job.recording, {
    ...job,
    allowHosts: [...job.allowHosts, ...answering],
    servers: { pgUrl: at(job.pgUrl, postgres.port), redisUrls },
    env: {
      ...answers.env,
      NODE_OPTIONS: `${options} --require ${file}`.trim(),
      LOCKSTEP_REACHED: reachedPath(insideFolder),
    },
    signal: abort.signal,
    progress: progress => void tell({ kind: 'progress', progress }),
  });
  closeNames();
  await answers.close();
  const known = new Set([...answering, ...job.allowHosts]);
  for (const one of reachedBy(insideFolder)) if (!known.has(one)) outside.add(one);
  await tell({ kind: 'result', result: { ...result, outside: [...outside].sort() } });
}

process.on('message', (message: ToWorker) => {
  if (message.kind === 'abort') abort.abort(new Error('interrupted'));
  else
    work(message.job)
      .catch((error: unknown) => tell({ kind: 'failed', message: errorMessage(error) }))
      .finally(() => process.exit(0));
});
// whoever started it is gone: nobody waits for the result
process.on('disconnect', () => {
  abort.abort(new Error('interrupted'));
  setTimeout(() => process.exit(0), closeMs).unref();
});
await tell({ kind: 'ready' });
