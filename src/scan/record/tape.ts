import {
  bodyBytesMax,
  bodyOf,
  type RecordedAnswer,
  type RecordedCall,
  type RecordedRequest,
  type RecordedStatement,
} from './recording.ts';

/** A recording of more is cut, and says so. */
const requestsMax = 10_000;
const statementsMax = 200_000;
const callsMax = 10_000;

/** What a request is when it arrives. */
export type Arrival = Pick<RecordedRequest, 'method' | 'path' | 'headers'>;

/** Collects what passes the proxy and the taps. */
export class Tape {
  readonly requests: RecordedRequest[] = [];
  readonly statements: RecordedStatement[] = [];
  readonly calls: RecordedCall[] = [];
  /** What connections asked for when they were opened, each as a SET. */
  readonly session: string[] = [];
  readonly #startMs = performance.now();
  readonly #underWay = new Map<number, { readonly atMs: number; readonly arrival: Arrival }>();
  readonly #limits = new Set<string>();
  #lastRequest = 0;
  #lastConnection = 0;
  #lastTransaction = 0;

  get limits(): readonly string[] {
    return [...this.#limits];
  }

  begin(arrival: Arrival): number {
    this.#lastRequest++;
    this.#underWay.set(this.#lastRequest, { atMs: performance.now() - this.#startMs, arrival });
    return this.#lastRequest;
  }

  end(id: number, body: Buffer, answer: RecordedAnswer | null, cut = false): void {
    const begun = this.#underWay.get(id);
    if (begun === undefined) return;
    this.#underWay.delete(id);
    if (this.requests.length >= requestsMax) {
      this.limit(`only the first ${requestsMax} requests were recorded`);
      return;
    }
    const { atMs, arrival } = begun;
    const tookMs = performance.now() - this.#startMs - atMs;
    const kept = bodyOf(body.subarray(0, bodyBytesMax), cut);
    this.requests.push({ id, atMs, tookMs, ...arrival, body: kept, answer });
    this.requests.sort((a, b) => a.id - b.id);
  }

  /** A sentence about what was not recorded. */
  limit(sentence: string): void {
    this.#limits.add(sentence);
  }

  connection(): number {
    return ++this.#lastConnection;
  }

  transaction(): number {
    return ++this.#lastTransaction;
  }

  /** Notes a statement that is sent now; its result is entered later in what is returned. */
  sent(statement: Omit<RecordedStatement, 'among' | 'result'>): RecordedStatement {
    const kept = { ...statement, result: '', among: [...this.#underWay.keys()] };
    if (this.statements.length < statementsMax) this.statements.push(kept);
    else this.limit(`only the first ${statementsMax} statements were recorded`);
    return kept;
  }

  /** Notes a call of the service to another one. */
  called(call: Omit<RecordedCall, 'among'>): void {
    const kept = { ...call, among: [...this.#underWay.keys()] };
    if (this.calls.length < callsMax) this.calls.push(kept);
    else this.limit(`only the first ${callsMax} calls to providers were recorded`);
  }
}
