/**
 * The keeper of explorations. The operating system closes the channel however the owner ends; then
 * what the owner still had open is ended: programs first, then databases and Redis.
 */
import { killGroup, killMarked } from './marked.ts';
import { isKeeperNotice, type KeeperNotice, type Owned } from './owned.ts';

/** What cannot be cleaned within this is left to the next run. */
const leaveMs = 15_000;

const owned = new Map<number, Owned>();
let mark = '';
let leaving = false;

function take(notice: KeeperNotice): void {
  if (notice.kind === 'mark') mark = notice.mark;
  else if (notice.kind === 'own') owned.set(notice.key, notice.what);
  else owned.delete(notice.key);
}

async function cleanUp(): Promise<void> {
  for (const what of owned.values()) if (what.kind === 'group') killGroup(what.id);
  if (mark !== '') await killMarked(mark);
  const rest = [...owned.values()].filter(what => what.kind !== 'group');
  if (rest.length === 0) return;
  // Loaded when it is needed: a keeper that has nothing to do should cost little.
  const { clear } = await import('./clear.ts');
  await Promise.allSettled(rest.map(clear));
}

function leave(): void {
  if (leaving) return;
  leaving = true;
  setTimeout(() => process.exit(1), leaveMs).unref();
  cleanUp().finally(() => process.exit(0));
}

process.title = 'lockstep explore keeper';
// Who ends everybody in a container ends the owner, too: then there is something to do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('message', message => {
  if (isKeeperNotice(message)) take(message);
});
process.on('disconnect', leave);
// The owner may have ended while this was being loaded; what it had said is read first.
if (!process.connected) setImmediate(leave);
