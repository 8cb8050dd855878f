import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Target, textOf } from '../time/reach.ts';
import { familyOf } from './process-state.ts';

const socketsMax = 512;
const standard = new Set(['0', '1', '2']);
/** The kernel's numbers of TCP states, in hexadecimal: those in which somebody is at the other end. */
const connected = new Set(['01', '02', '04', '05', '08', '09', '0B']);
const listens = '0A';

interface KernelSocket {
  readonly inode: string;
  readonly state: string;
  readonly localPort: number;
  readonly remote: Target;
}

/** How often to look for a socket that is not among the TCP connections: it may connect later. */
const asksMax = 4;

/** Finds out where the TCP connections of one process, and of those that it started, lead. */
export class ProcessSockets {
  readonly #reached = new Map<string, Target>();
  /** Sockets that are fully known; the tables are long on a busy machine. */
  readonly #known = new Set<string>();
  readonly #asked = new Map<string, number>();

  /** Connections to others that were seen so far. Empty where there is no /proc. */
  get reached(): readonly Target[] {
    return [...this.#reached.values()];
  }

  /** Looks at what is open now: a connection that lives from one look to the next is found. */
  look(pid: number): void {
    const inodes = new Set(familyOf(pid).flatMap(socketInodes));
    const fresh = [...inodes].filter(inode => !this.#known.has(inode));
    if (fresh.length === 0) return;
    for (const inode of fresh) {
      const asked = (this.#asked.get(inode) ?? 0) + 1;
      this.#asked.set(inode, asked);
      if (asked >= asksMax) this.#known.add(inode);
    }
    const sockets = kernelSockets(pid, inodes);
    const served = new Set(
      sockets.filter(({ state }) => state === listens).map(({ localPort }) => localPort),
    );
    for (const { inode, state, localPort, remote } of sockets) {
      if (state === listens || connected.has(state)) this.#known.add(inode);
      const outward = !served.has(localPort) && !served.has(remote.port);
      if (connected.has(state) && outward) this.#reached.set(textOf(remote), remote);
    }
  }
}

function kernelSockets(pid: number, inodes: ReadonlySet<string>): readonly KernelSocket[] {
  return ['tcp', 'tcp6']
    .flatMap(table => contentOf(`/proc/${pid}/net/${table}`).split('\n').slice(1))
    .flatMap(line => parsed(line, inodes) ?? []);
}

function socketInodes(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
      .filter(fd => !standard.has(fd)) // Node joins them to ours by sockets
      .slice(0, socketsMax)
      .flatMap(fd => {
        const inode = linkOf(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1];
        return inode === undefined ? [] : [inode];
      });
  } catch {
    return []; // it has ended, or belongs to somebody else
  }
}

/** One line of /proc/net/tcp or tcp6, if it is one of these sockets: see proc(5). */
function parsed(line: string, inodes: ReadonlySet<string>): KernelSocket | undefined {
  const [, local = '', remote = '', state = '', , , , , , inode] = line.trim().split(/\s+/);
  if (inode === undefined || !inodes.has(inode)) return undefined;
  return {
    inode,
    state,
    localPort: portOf(local),
    remote: { host: hostOf(remote), port: portOf(remote) },
  };
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}

/** Words of four bytes, each in the byte order of the machine. */
function hostOf(address: string): string {
  const words = (address.split(':')[0] ?? '').match(/.{8}/g) ?? [];
  const bytes = words.flatMap(word => {
    const own = (word.match(/../g) ?? []).map(byte => Number.parseInt(byte, 16));
    return littleEndian ? own.reverse() : own;
  });
  const mapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff;
  if (bytes.length === 4 || mapped) return bytes.slice(-4).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => {
    return (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16);
  });
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
