import { readFile } from 'node:fs/promises';
import type { Account } from './protocol.ts';

/** Postgres refuses to run as root. */
export function runsAsRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Who runs the servers: the account `nobody` where this process is root, else undefined (this
 * user). initdb refuses a uid that has no entry in /etc/passwd, so the number is read from there.
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (!runsAsRoot()) return undefined;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const fields = passwd
    .split('\n')
    .find(line => line.startsWith('nobody:'))
    ?.split(':');
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
  if (Number.isSafeInteger(uid) && Number.isSafeInteger(gid) && uid !== 0) return { uid, gid };
  throw new Error(
    'Postgres refuses to run as root, and /etc/passwd has no account `nobody` to run it by. ' +
      'Run as an ordinary user, or set DATABASE_URL.',
  );
}
