import { lookup } from 'node:dns/promises';
import { type Target, textOf } from '../time/reach.ts';

/** A connection of an actor that bypassed its gates, or leads to what no order puts back. */
export interface Elsewhere {
  readonly actor: number;
  /** `host:port`, or the path of a Unix socket. */
  readonly target: string;
  /** The actor whose gate it is, where it is one. */
  readonly gateOf?: number;
  /** The database beside its own, through a gate. */
  readonly database?: string;
}

const loopback = new Set(['localhost', '127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::']);
const dnsPort = 53;

/** Finds connections of an actor that lead neither to its gates nor to an allowed host. */
export class Outside {
  readonly #gates: readonly (readonly number[])[];
  readonly #allowed: ReadonlySet<string>;

  /** `gates`: the ports of each actor's; `allowed`: as `allowHosts` says, with their addresses. */
  constructor(gates: readonly (readonly number[])[], allowed: ReadonlySet<string>) {
    this.#gates = gates;
    this.#allowed = allowed;
  }

  of(reached: readonly (readonly Target[])[]): readonly Elsewhere[] {
    return reached.flatMap((targets, actor) =>
      targets.flatMap(one => this.#judge(actor, one) ?? []),
    );
  }

  #judge(actor: number, target: Target): Elsewhere | undefined {
    const text = textOf(target);
    if (this.#allowed.has(text) || this.#allowed.has(target.host)) return undefined;
    if (target.path !== undefined) return { actor, target: text };
    if (target.port === dnsPort) return undefined;
    if (!loopback.has(target.host)) return { actor, target: text };
    if (this.#gates[actor]?.includes(target.port)) return undefined;
    const gateOf = this.#gates.findIndex(ports => ports.includes(target.port));
    return { actor, target: text, ...(gateOf < 0 ? {} : { gateOf }) };
  }
}

/** `allowHosts` with names resolved: of a program only addresses can be seen. */
export async function allowedHosts(names: readonly string[]): Promise<ReadonlySet<string>> {
  const allowed = new Set(names);
  for (const name of names) {
    if (name.startsWith('/')) continue;
    const [, host = name, port] = name.match(/^\[?(.*?)\]?(?::(\d+))?$/) ?? [];
    const found = await lookup(host, { all: true }).catch(() => []);
    for (const { address } of found) {
      allowed.add(port === undefined ? address : textOf({ host: address, port: Number(port) }));
    }
    if (!loopback.has(host)) continue;
    for (const one of loopback) {
      allowed.add(port === undefined ? one : textOf({ host: one, port: Number(port) }));
    }
  }
  return allowed;
}
