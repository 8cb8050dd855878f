import { connect, type Socket } from 'node:net';
import { listen } from '../../explore/gate/listen.ts';
import { commandName, confirmations } from '../../explore/gate/redis-command.ts';
import { type RedisReply, RespReplies, RespRequests } from '../../explore/wire/resp.ts';
import type { Address, Tap } from './postgres-tap.ts';
import type { Tape } from './tape.ts';

const resultCharactersMax = 200;

/** Opens a port that leads to a Redis server. */
export async function tapRedis(upstream: Address, tape: Tape): Promise<Tap> {
  const open = new Set<Socket>();
  const gate = await listen(client => {
    open.add(client);
    client.on('close', () => open.delete(client));
    tapped(client, upstream, tape);
  });
  return {
    port: gate.port,
    close: () => {
      for (const client of open) client.destroy();
      return gate.close();
    },
  };
}

function tapped(client: Socket, upstream: Address, tape: Tape): void {
  const connection = tape.connection();
  const server = connect({ host: upstream.host, port: upstream.port, noDelay: true });
  const requests = new RespRequests();
  const replies = new RespReplies();
  const waiting: { result: string }[] = [];
  let subscribed = false;
  let transaction: number | null = null;
  const note = (words: readonly string[]): void => {
    const name = commandName(words);
    if (name === 'multi') transaction = tape.transaction();
    subscribed ||= confirmations(words) > 0;
    const text = JSON.stringify(withoutPassword(name, words));
    const kept = tape.sent({ store: 'redis', connection, transaction, text, values: [] });
    if (!subscribed) waiting.push(kept);
    if (name === 'exec' || name === 'discard') transaction = null;
  };
  const heard = ({ push, value }: RedisReply): void => {
    if (push || subscribed) return;
    const first = waiting.shift();
    if (first !== undefined) first.result = JSON.stringify(value).slice(0, resultCharactersMax);
  };
  client.on('data', chunk => {
    guarded(client, tape, () => {
      for (const { words } of requests.push(chunk)) note(words);
    });
    server.write(chunk);
  });
  client.on('close', () => server.destroy());
  server.on('data', chunk => {
    client.write(chunk);
    guarded(client, tape, () => {
      for (const reply of replies.push(chunk)) heard(reply);
    });
  });
  server.on('error', () => server.destroy());
  server.on('close', () => client.destroy());
}

function withoutPassword(name: string, words: readonly string[]): readonly string[] {
  if (name === 'auth') return [words[0] ?? '', '…'];
  if (name !== 'hello') return words;
  const at = words.findIndex(word => word.toLowerCase() === 'auth');
  return at < 0 ? words : [...words.slice(0, at + 1), '…'];
}

function guarded(client: Socket, tape: Tape, act: () => void): void {
  try {
    act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tape.limit(`a connection to Redis was closed: ${why}`);
    client.destroy();
  }
}
