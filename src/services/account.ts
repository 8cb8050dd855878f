import { readFile } from 'node:fs/promises';
import type { Account } from './protocol.ts';

export type { Account } from './protocol.ts';

/** Postgres refuses to run as root. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether a child can be started with this id: macOS lists `nobody` as -2, which is unusable. */
function isUsable(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id < 2 ** 31;
}

/**
 * The account that runs the servers: `nobody` if this process is root, otherwise undefined (this
 * user). initdb rejects a uid without an entry in /etc/passwd, so the id is read from there.
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (!runsAsRoot()) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const fields = passwd
    .split('\n')
    .find(line => line.startsWith('nobody:'))
    ?.split(':');
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  if (isUsable(uid) && isUsable(gid)) return { uid, gid };
  throw new Error(
    'Postgres refuses to run as root, and /etc/passwd has no account `nobody` to run it as. ' +
      'Run as a regular user, or set DATABASE_URL.',
  );
}
