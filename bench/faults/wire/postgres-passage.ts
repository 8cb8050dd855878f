/** A Postgres connection through a tap: follows a transaction on the struck key, and holds one message. */
import {
  backendPid,
  type PostgresMessage,
  PostgresReplies,
  summary,
} from '../../../src/explore/wire/postgres-replies.ts';
import {
  type PostgresRequest,
  PostgresRequests,
} from '../../../src/explore/wire/postgres-requests.ts';
import type { PostgresUnit } from '../../../src/explore/wire/postgres-unit.ts';
import type { Purpose } from '../phases.ts';
import { type Strike, shortText } from './strike.ts';
import type { Ends, Passage } from './tap.ts';

/** A request that the server has and has not answered. */
interface Sent {
  readonly strike: Strike | undefined;
  readonly purpose: Purpose | 'other';
  readonly text: string;
}

const writing = /^(insert|update|delete|with|merge)\b/i;
/** Connections of the service that look at keys without deciding anything. */
const bystanding = /application_name\0lockstep (probe|audit|asked audit)\0/;

export class PostgresPassage implements Passage {
  readonly #ends: Ends;
  readonly #strikes: ReadonlySet<Strike>;
  readonly #requests = new PostgresRequests();
  readonly #replies = new PostgresReplies();
  readonly #waiting: PostgresRequest[] = [];
  readonly #sent: Sent[] = [];
  #answers: PostgresMessage[] = [];
  #ready = false;
  #ignored = false;
  #backendPid: number | undefined;
  #holdsRequest = false;
  #holdsReply = false;
  /** Answers that came behind a held one. */
  #behind = 0;
  #inTransaction = false;
  #strike: Strike | undefined;
  #wrote = false;

  constructor(ends: Ends, strikes: ReadonlySet<Strike>) {
    this.#ends = ends;
    this.#strikes = strikes;
  }

  fromClient(chunk: Buffer): void {
    this.#waiting.push(...this.#requests.push(chunk));
    this.#pump();
  }

  fromServer(chunk: Buffer): void {
    for (const message of this.#replies.push(chunk)) {
      if (message.type === 'K') this.#backendPid = backendPid(message);
      this.#answers.push(message);
      if (!this.#ready) {
        this.#deliver(); // the greeting, up to its first ReadyForQuery
        this.#ready = message.type === 'Z';
      } else if (message.type === 'Z') this.#answered();
    }
  }

  serverEnded(): void {
    this.#deliver();
  }

  #pump(): void {
    while (!this.#holdsRequest) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      if (request.kind === 'encryption') {
        this.#ends.client.write('N');
        continue;
      }
      if (request.kind === 'startup') this.#ignored = bystanding.test(request.bytes.toString());
      if (request.kind === 'unit' && this.#isHeld(request)) return;
      this.#ends.server.write(request.bytes);
    }
  }

  /** Notes what the unit is for; true where it stays here until the strike is released. */
  #isHeld(unit: PostgresUnit): boolean {
    const sent = this.#sentOf(unit);
    const { strike, purpose, text } = sent;
    const held = strike?.sees({ ...this.#from('request'), purpose, text }) === true;
    if (!held) {
      if (unit.ends === 'ready') this.#sent.push(sent);
      return false;
    }
    this.#holdsRequest = true;
    strike?.held(() => {
      this.#holdsRequest = false;
      this.#sent.push(sent);
      if (this.#ends.server.writable) this.#ends.server.write(unit.bytes);
      this.#pump();
    });
    return true;
  }

  #sentOf(unit: PostgresUnit): Sent {
    const text = unit.texts[0] ?? '';
    const purpose = this.#ignored ? 'other' : this.#purposeOf(unit, text);
    const strike = purpose === 'other' && !this.#inTransaction ? undefined : this.#strike;
    if (strike) {
      const use = purpose === 'lock' || purpose === 'release' ? 'locks' : 'work';
      strike.backends[use] = this.#backendPid;
    }
    if (purpose === 'commit' || /^(commit|rollback)\b/i.test(text)) this.#inTransaction = false;
    return { strike, purpose, text: shortText(text) };
  }

  #purposeOf(unit: PostgresUnit, text: string): Purpose | 'other' {
    if (/^(begin|start transaction)\b/i.test(text)) {
      this.#inTransaction = true;
      this.#strike = undefined;
      this.#wrote = false;
      return 'other';
    }
    if (/^commit\b/i.test(text)) return this.#strike ? 'commit' : 'other';
    if (/pg_advisory_(un)?lock\(/.test(text) && !this.#inTransaction) {
      this.#strike = this.#claimed(unit, 'locks');
      return /unlock/.test(text) ? 'release' : 'lock';
    }
    if (this.#strike && this.#inTransaction) {
      if (this.#wrote || !writing.test(text)) return 'other';
      this.#wrote = true;
      return 'write';
    }
    if (!this.#inTransaction && !writing.test(text)) return 'other';
    this.#strike = this.#claimed(unit, 'work');
    return this.#strike ? 'deciding' : 'other';
  }

  #claimed({ bytes }: PostgresUnit, kind: string): Strike | undefined {
    return [...this.#strikes].find(
      strike => bytes.includes(strike.key) && strike.claims(kind, this.#ends.name),
    );
  }

  #answered(): void {
    if (this.#holdsReply) {
      this.#behind += 1;
      return;
    }
    const sent = this.#sent.shift();
    const { strike, purpose = 'other' } = sent ?? {};
    const text = summary(this.#answers) || 'done';
    if (strike?.sees({ ...this.#from('reply'), purpose, text }) !== true) {
      this.#deliver();
      return;
    }
    this.#holdsReply = true;
    strike.held(() => {
      this.#holdsReply = false;
      this.#sent.splice(0, this.#behind);
      this.#behind = 0;
      this.#deliver();
    });
  }

  #deliver(): void {
    const { client } = this.#ends;
    if (client.writable && this.#answers.length > 0)
      client.write(Buffer.concat(this.#answers.map(({ bytes }) => bytes)));
    this.#answers = [];
  }

  #from<Side extends 'request' | 'reply'>(side: Side) {
    return { store: 'postgres', connection: this.#ends.name, side } as const;
  }
}
