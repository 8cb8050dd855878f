import type { RedisValue } from '../wire/resp.ts';
import { RedisControl } from './redis-control.ts';

const expiredIn = /^__keyevent@(\d+)__:expired$/;

interface Server {
  readonly control: RedisControl;
  /** What it told its listeners of before; undefined where that could not be changed. */
  readonly before: string | undefined;
  /** Keys that it ended since the order began: `database hex`. */
  readonly heard: Set<string>;
  /** How many it had ended when the order began, where it tells no names. */
  counted: number;
}

/**
 * Notices keys that expire by themselves in the middle of an order, whose verdict would then depend on
 * the speed of this machine. Redis tells which (`notify-keyspace-events`), or at least how many.
 */
export class RanOut {
  readonly #servers: readonly Server[];

  private constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  static async open(urls: readonly string[]): Promise<RanOut> {
    const servers: Server[] = [];
    try {
      for (const url of urls) servers.push(await listen(await RedisControl.open(url, 'latin1')));
    } catch (error) {
      await new RanOut(servers).close();
      throw error;
    }
    return new RanOut(servers);
  }

  /** An order begins: what has ended before is not its own. To be awaited before its first step. */
  async begin(): Promise<void> {
    for (const server of this.#servers) {
      if (server.before === undefined) server.counted = await countOf(server.control);
      else await server.control.ask('ping'); // what it had to tell of others is here before the answer
      server.heard.clear();
    }
  }

  /** Names of the keys that have ended in this order, but those that the explorer has ended itself. */
  async names(ended: ReadonlySet<string>): Promise<string[]> {
    const names = new Set<string>();
    for (const [node, { control, before, heard, counted }] of this.#servers.entries()) {
      if (before === undefined) {
        const own = [...ended].filter(key => key.startsWith(`${node} `)).length;
        if ((await countOf(control)) - counted > own) names.add('(its name is not told)');
        continue;
      }
      await control.ask('ping'); // what it had to tell is here before the answer
      for (const key of heard) {
        if (ended.has(`${node} ${key}`)) continue;
        names.add(Buffer.from(key.split(' ')[1] ?? '', 'hex').toString());
      }
    }
    return [...names].sort();
  }

  /** Servers tell their listeners what they told them before. */
  async close(): Promise<void> {
    for (const { control, before } of this.#servers) {
      if (before !== undefined) {
        await control.ask('punsubscribe').catch(() => undefined);
        await setEvents(control, before).catch(() => undefined);
      }
      control.close();
    }
  }
}

async function listen(control: RedisControl): Promise<Server> {
  const heard = new Set<string>();
  const before = await events(control);
  const hears = before !== undefined && (await setEvents(control, `${before}Ex`));
  if (!hears) return { control, before: undefined, heard, counted: 0 };
  control.heard = message => note(heard, message);
  await control.ask('psubscribe', '__keyevent@*__:expired');
  return { control, before, heard, counted: 0 };
}

function note(heard: Set<string>, message: RedisValue): void {
  if (!Array.isArray(message)) return;
  const [, , channel, key] = message;
  const database = expiredIn.exec(String(channel))?.[1];
  if (database !== undefined) {
    heard.add(`${database} ${Buffer.from(String(key), 'latin1').toString('hex')}`);
  }
}

async function events(control: RedisControl): Promise<string | undefined> {
  const told = await control.ask('config', 'get', 'notify-keyspace-events').catch(() => undefined);
  return Array.isArray(told) && typeof told[1] === 'string' ? told[1] : undefined;
}

/** False where this user may not change it. */
function setEvents(control: RedisControl, value: string): Promise<boolean> {
  return control.ask('config', 'set', 'notify-keyspace-events', value).then(
    () => true,
    () => false,
  );
}

async function countOf(control: RedisControl): Promise<number> {
  const info = String(await control.ask('info', 'stats'));
  return Number(/^expired_keys:(\d+)/m.exec(info)?.[1] ?? 0);
}

/** Advice: let keys outlive an order, and end by an event. */
export const leaseAdvice =
  'give it some minutes to live in this config, and ask for the event `lease-expires`: then it ends where the order says';

/** The end of an order in which these keys expired. */
export function ranOutIn(names: readonly string[]): {
  readonly kind: 'inconclusive';
  readonly why: string;
} {
  const keys = names.length === 1 ? 'key' : 'keys';
  const why = `the Redis ${keys} ${names.join(', ')} ran out in real time, in the middle of an order`;
  return { kind: 'inconclusive', why };
}
