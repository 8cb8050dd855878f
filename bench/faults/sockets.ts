/** The sockets and the open files of a process, from /proc: see proc(5). Linux only, as this bench is. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface OpenSocket {
  readonly localPort: number;
  /** 0 of one that listens. */
  readonly remotePort: number;
  readonly listens: boolean;
}

const listening = '0A';

/** What each descriptor of the process leads to: `socket:[4711]`, a path, … */
function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed in the meantime
    }
  });
}

const inodeOf = (link: string): string | undefined => /^socket:\[(\d+)\]$/.exec(link)?.[1];

/** All TCP sockets over IPv4 of the process's network. */
function rowsOf(pid: number): readonly (OpenSocket & { readonly inode: string })[] {
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map(line => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line
        .trim()
        .split(/\s+/);
      const listens = state === listening;
      return { localPort: portOf(local), remotePort: portOf(remote), listens, inode };
    });
}

/** Those that it has open. */
export function socketsOf(pid: number): readonly OpenSocket[] {
  const inodes = new Set(linksOf(pid).flatMap(link => inodeOf(link) ?? []));
  return rowsOf(pid).filter(({ inode }) => inodes.has(inode));
}

const portOf = (address: string): number => Number.parseInt(address.split(':')[1] ?? '', 16);

/** How many descriptors it has open: connections that lead to these ports, and all others. */
export function descriptorsOf(
  pid: number,
  ports: ReadonlySet<number>,
): { readonly files: number; readonly connections: number } {
  const links = linksOf(pid);
  const leading = new Set(
    rowsOf(pid).flatMap(({ inode, remotePort }) => (ports.has(remotePort) ? [inode] : [])),
  );
  const connections = links.filter(link => leading.has(inodeOf(link) ?? '')).length;
  return { files: links.length - connections, connections };
}

/** What it has in memory. */
export function residentBytesOf(pid: number): number {
  const [, kibibytes = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1_024;
}
