import { UnsupportedWire } from '../wire/postgres-unit.ts';
import type { RedisReply } from '../wire/resp.ts';
import {
  itemsOf,
  type RespNode,
  respBytes,
  respTree,
  textOf,
  withText,
} from '../wire/resp-tree.ts';
import { commandName } from './redis-command.ts';

/** The gate of this actor before a server: by the address that the servers announce for it. */
export type GateOf = (host: string, port: number) => number | undefined;

const own = '127.0.0.1';

/**
 * What a cluster announces about its nodes, with the gates in their places: a client goes where it is
 * told. A replica that is no store of the exploration is left out. Throws UnsupportedWire for a
 * master that has no gate.
 */
export function behindGates(
  words: readonly string[],
  reply: RedisReply,
  gateOf: GateOf,
): RedisReply {
  const told = commandName(words) === 'cluster' ? (words[1] ?? '').toLowerCase() : '';
  const announces = ['slots', 'shards', 'nodes', 'replicas', 'slaves'].includes(told);
  if (!announces && !redirects.test(reply.bytes.toString('latin1'))) return reply;
  const tree = respTree(reply.bytes);
  let changed = redirected(tree, gateOf);
  if (told === 'slots') changed = mapItems(changed, range => slotRange(range, gateOf));
  else if (told === 'shards') changed = mapItems(changed, shard => shardNodes(shard, gateOf));
  else if (announces) changed = nodeLines(changed, gateOf);
  return { ...reply, bytes: respBytes(changed) };
}

/** Where a client would be led that asks a Sentinel. */
export function refuseSentinel(): never {
  throw new UnsupportedWire(
    'a Sentinel leads its clients to servers that no gate stands before: name the Redis servers ' +
      'themselves in redisUrls, and connect the actors to those URLs',
  );
}

/** It tells of what others send, which no order of requests explains. */
export function refuseMonitor(): never {
  throw new UnsupportedWire('a gate does not carry MONITOR: leave it out of what the actors do');
}

const redirects = /[-\n](MOVED|ASK|REDIRECT) /;
const redirect = /^((?:MOVED|ASK) \d+|REDIRECT) (.*):(\d+)$/;

function redirected(node: RespNode, gateOf: GateOf): RespNode {
  if ('line' in node && node.type === '-') {
    const [, what, host = '', port] = redirect.exec(node.line) ?? [];
    if (what === undefined) return node;
    return { ...node, line: `${what} ${own}:${required(host, Number(port), gateOf)}` };
  }
  return mapItems(node, item => redirected(item, gateOf));
}

/** `[first slot, last slot, [host, port, id, …], [a replica's], …]`. */
function slotRange(range: RespNode, gateOf: GateOf): RespNode {
  const [first, last, ...nodes] = itemsOf(range);
  if (first === undefined || last === undefined) return range;
  const items = [first, last];
  for (const [at, node] of nodes.entries()) {
    const [host, port, ...rest] = itemsOf(node);
    if (host === undefined || port === undefined) continue;
    const gate = gateFor(textOf(host) ?? '', numberOf(port), gateOf, at === 0);
    if (gate === undefined) continue;
    const more = rest.map((one, index) => (index === 1 ? withHosts(one) : one));
    items.push(withItems(node, [withText(host, own), { type: ':', line: String(gate) }, ...more]));
  }
  return withItems(range, items);
}

/** A map, or in RESP2 a list of names and values, with `slots` and `nodes`. */
function shardNodes(shard: RespNode, gateOf: GateOf): RespNode {
  return mapItems(shard, (value, at, all) => {
    if (textOf(all[at - 1]) !== 'nodes' || at % 2 === 0) return value;
    return withItems(
      value,
      itemsOf(value).flatMap(node => shardNode(node, gateOf)),
    );
  });
}

function shardNode(node: RespNode, gateOf: GateOf): RespNode[] {
  const items = itemsOf(node);
  const named = (name: string): RespNode | undefined => {
    return items.find((_, at) => at % 2 === 1 && textOf(items[at - 1]) === name);
  };
  const port = named('port');
  if (port === undefined) return [node];
  const host = textOf(named('ip')) ?? textOf(named('endpoint')) ?? '';
  const gate = gateFor(host, numberOf(port), gateOf, textOf(named('role')) === 'master');
  if (gate === undefined) return [];
  const there: RespNode = { type: ':', line: String(gate) };
  return [withHosts(mapItems(node, value => (value === port ? there : value)))];
}

/** `id host:port@bus,name flags …`, one line per node. */
function nodeLines(reply: RespNode, gateOf: GateOf): RespNode {
  const text = textOf(reply);
  if (text === undefined) return mapItems(reply, line => nodeLines(line, gateOf));
  const lines = text.split('\n').flatMap(line => {
    const [, id, host = '', port, flags] = /^(\S+) (\S*):(\d+)@\S* (\S+)/.exec(line) ?? [];
    if (id === undefined || flags === undefined || port === '0') return [line];
    const gate = gateFor(host, Number(port), gateOf, flags.includes('master'));
    if (gate === undefined) return [];
    return [line.replace(/^\S+ \S+/, `${id} ${own}:${gate}@${gate}`)];
  });
  return withText(reply, lines.join('\n'));
}

/** Every host that is named, by name or by address. */
function withHosts(node: RespNode): RespNode {
  return mapItems(node, (value, at, all) => {
    const name = textOf(all[at - 1]) ?? '';
    const isHost = at % 2 === 1 && /^(ip|hostname|endpoint)$/.test(name);
    return isHost && textOf(value) !== undefined ? withText(value, own) : value;
  });
}

function gateFor(
  host: string,
  port: number,
  gateOf: GateOf,
  isMaster: boolean,
): number | undefined {
  return isMaster ? required(host, port, gateOf) : gateOf(host, port);
}

function required(host: string, port: number, gateOf: GateOf): number {
  const gate = gateOf(host, port);
  if (gate !== undefined) return gate;
  throw new UnsupportedWire(
    `Redis leads its clients to ${host}:${port}, which no gate stands before: name every master ` +
      'of the cluster in redisUrls',
  );
}

function numberOf(node: RespNode): number {
  return Number('line' in node ? node.line : textOf(node));
}

function withItems(node: RespNode, items: readonly RespNode[]): RespNode {
  return 'items' in node ? { ...node, items } : node;
}

function mapItems(
  node: RespNode,
  change: (item: RespNode, at: number, all: readonly RespNode[]) => RespNode,
): RespNode {
  return 'items' in node && node.items !== null ? { ...node, items: node.items.map(change) } : node;
}
