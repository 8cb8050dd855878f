import { connect, type Socket } from 'node:net';
import { listen } from '../../explore/gate/listen.ts';
import { type BoundValues, boundValues } from '../../explore/wire/bound-values.ts';
import {
  errorFields,
  type PostgresMessage,
  PostgresReplies,
  transactionStatus,
} from '../../explore/wire/postgres-replies.ts';
import { PostgresRequests } from '../../explore/wire/postgres-requests.ts';
import { cString, type PostgresUnit } from '../../explore/wire/postgres-unit.ts';
import { refusal, refusedStartup, startupOf } from '../enclosure/startup.ts';
import type { RecordedStatement } from './recording.ts';
import type { Tape } from './tape.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A port that passes everything on at once, and notes what goes by. */
export interface Tap {
  readonly port: number;
  close(): Promise<void>;
}

/** Opens a port that leads to a Postgres server. */
export async function tapPostgres(upstream: Address, tape: Tape): Promise<Tap> {
  const open = new Set<Socket>();
  const gate = await listen(client => {
    open.add(client);
    client.on('close', () => open.delete(client));
    new TappedPostgres(client, upstream, tape);
  });
  return {
    port: gate.port,
    close: () => {
      for (const client of open) client.destroy();
      return gate.close();
    },
  };
}

/** Statements of one message, whose answers come in their order. */
interface Sent {
  readonly endsAt: PostgresUnit['ends'];
  readonly results: readonly RecordedStatement[];
}

class TappedPostgres {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #tape: Tape;
  readonly #connection: number;
  readonly #requests = new PostgresRequests();
  readonly #replies = new PostgresReplies();
  readonly #portals = new Map<string, BoundValues>();
  readonly #sent: Sent[] = [];
  #transaction: number | null = null;

  constructor(client: Socket, upstream: Address, tape: Tape) {
    this.#client = client;
    this.#tape = tape;
    this.#connection = tape.connection();
    this.#server = connect({ host: upstream.host, port: upstream.port, noDelay: true });
    client.on('data', chunk => this.#guarded(() => this.#fromClient(chunk)));
    client.on('close', () => this.#server.destroy());
    this.#server.on('data', chunk => {
      client.write(chunk);
      this.#guarded(() => this.#fromServer(chunk));
    });
    this.#server.on('error', () => this.#server.destroy());
    this.#server.on('close', () => client.destroy());
  }

  #fromClient(chunk: Buffer): void {
    for (const request of this.#requests.push(chunk)) {
      if (request.kind === 'encryption') this.#client.write('N');
      else if (request.kind !== 'startup' || this.#admits(request.bytes)) {
        if (request.kind === 'unit') this.#note(request);
        this.#server.write(request.bytes);
      }
    }
  }

  /** A name that is fixed in the service's code may be that of the user's own database. */
  #admits(bytes: Buffer): boolean {
    const startup = startupOf(bytes);
    const why = startup === undefined ? 'no start-up packet' : refusedStartup(startup);
    for (const [name, value] of startup?.settings ?? [])
      this.#tape.session.push(`set ${quoted(name, '"')} to ${quoted(value, "'")}`);
    if (why === undefined) return true;
    this.#tape.limit(why);
    this.#client.end(refusal(why));
    return false;
  }

  #note(unit: PostgresUnit): void {
    const values = boundValues(unit.bytes, this.#portals);
    const results = unit.texts.map((text, at) =>
      this.#tape.sent({
        store: 'postgres',
        connection: this.#connection,
        transaction: this.#transaction,
        text,
        values: [...(values[at] ?? [])],
      }),
    );
    this.#sent.push({ endsAt: unit.ends, results });
  }

  #fromServer(chunk: Buffer): void {
    for (const message of this.#replies.push(chunk)) this.#heard(message);
  }

  #heard(message: PostgresMessage): void {
    if (message.type === 'C') this.#result(cString(message.bytes, 5));
    else if (message.type === 'I') this.#result('empty');
    else if (message.type === 's') this.#result('suspended');
    else if (message.type === 'E') this.#result(`error ${errorFields(message).get('C') ?? '?'}`);
    else if (message.type === 'Z') this.#ready(message);
  }

  /** Several statements of one text are one entry: their results stand behind each other. */
  #result(text: string): void {
    const sent = this.#sent.find(({ results }) => results.some(({ result }) => result === ''));
    const open = sent?.results.find(({ result }) => result === '');
    const last = this.#sent[0]?.results.at(-1);
    if (open !== undefined) open.result = text;
    else if (last !== undefined) last.result += `; ${text}`;
  }

  #ready(message: PostgresMessage): void {
    const open = transactionStatus(message) !== 'I';
    // a BEGIN belongs to the transaction that it opens
    if (open) this.#transaction ??= this.#tape.transaction();
    for (let sent = this.#sent.shift(); sent !== undefined; sent = this.#sent.shift()) {
      for (const one of sent.results) {
        if (one.result === '') one.result = 'not run'; // behind an error
        if (open) one.transaction = this.#transaction;
      }
      if (sent.endsAt === 'ready') break;
    }
    if (!open) this.#transaction = null;
  }

  /** What is not understood is passed on no further: it could not be repeated. */
  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tape.limit(`a connection to Postgres was closed: ${why}`);
      this.#client.destroy();
    }
  }
}

function quoted(text: string, mark: '"' | "'"): string {
  return `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
}
