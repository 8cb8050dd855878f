/** Two hosts of a test's own and the cable between them: network namespaces, Linux and root only. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';

/** Addresses for documentation (RFC 5737): no route leads there from anywhere. */
const addresses = { server: '192.0.2.1', client: '192.0.2.2' } as const;

export type Host = keyof typeof addresses;

/** They see each other and nothing else, not even this machine. `close` removes them. */
export class TwoHosts {
  readonly addresses = addresses;
  readonly #ip: string;
  readonly #id = `${process.pid}-${randomBytes(2).toString('hex')}`;

  private constructor(ip: string) {
    this.#ip = ip;
  }

  /** Removes what it made where it fails half-way, and what a killed process left behind. */
  static open(ip: string): TwoHosts {
    const hosts = new TwoHosts(ip);
    for (const name of hosts.#names())
      if (!existsSync(`/proc/${/^lockstep-(\d+)-/.exec(name)?.[1]}`))
        hosts.#run('netns', 'del', name);
    try {
      hosts.#make();
      return hosts;
    } catch (error) {
      hosts.close();
      throw error;
    }
  }

  /** The command that runs another one, as root, on a host. */
  on(host: Host): readonly string[] {
    return [this.#ip, 'netns', 'exec', this.#name(host)];
  }

  /** Pulls the cable at the client: whatever is sent from now on is lost, and nobody is told. */
  cut(): void {
    this.#run('-n', this.#name('client'), 'link', 'set', 'dev', 'cable', 'down');
  }

  /** Processes that still run there keep their host until they end. */
  close(): void {
    const own = `lockstep-${this.#id}-`;
    for (const name of this.#names()) if (name.startsWith(own)) this.#run('netns', 'del', name);
  }

  /** Of all hosts of this kind, ours or not. */
  #names(): readonly string[] {
    const listed = execFileSync(this.#ip, ['netns', 'list'], { timeout: 10_000 }).toString();
    return listed.match(/^lockstep-\d+-\S+/gm) ?? [];
  }

  #make(): void {
    const [server, client] = [this.#name('server'), this.#name('client')];
    for (const name of [server, client]) {
      this.#run('netns', 'add', name);
      this.#run('-n', name, 'link', 'set', 'dev', 'lo', 'up');
    }
    const peer = ['peer', 'name', 'cable', 'netns', client];
    this.#run('-n', server, 'link', 'add', 'cable', 'type', 'veth', ...peer);
    for (const host of ['server', 'client'] as const) {
      const address = `${addresses[host]}/30`;
      this.#run('-n', this.#name(host), 'address', 'add', address, 'dev', 'cable');
      this.#run('-n', this.#name(host), 'link', 'set', 'dev', 'cable', 'up');
    }
  }

  #name(host: Host): string {
    return `lockstep-${this.#id}-${host}`;
  }

  #run(...args: readonly string[]): void {
    execFileSync(this.#ip, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 10_000 });
  }
}
