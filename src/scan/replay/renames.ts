import type { RecordedRequest } from '../record/recording.ts';
import type { Answer } from './compare.ts';
import { jsonOf } from './compare.ts';

/** A value that is long and not a sentence is looked for everywhere; a short one by its place. */
const longCharacters = 8;
const valuesMax = 10_000;
const depthMax = 16;

/**
 * Values that a service generates anew in each replay (ids, tokens, cookies): what the recording calls
 * by one name has another one now. Learnt from answers, put into the requests that follow.
 */
export class Renames {
  /** From a recorded value to the present one. */
  readonly #long = new Map<string, string>();
  /** Numbers and short texts, only under keys and in paths that hold ids. */
  readonly #ids = new Map<string, string>();

  /** A copy that goes on by itself. */
  fork(): Renames {
    const other = new Renames();
    for (const [from, to] of this.#long) other.#long.set(from, to);
    for (const [from, to] of this.#ids) other.#ids.set(from, to);
    return other;
  }

  learn(recorded: Answer, replayed: Answer): void {
    if (recorded === null || replayed === null) return;
    this.#walk('', jsonOf(recorded.body.text), jsonOf(replayed.body.text), 0);
    for (const name of ['location', 'set-cookie', 'etag']) {
      const was = valuesOf(recorded, name);
      const is = valuesOf(replayed, name);
      for (const [at, value] of was.entries()) this.#header(value, is[at] ?? value);
    }
  }

  /** The request as it has to be sent now. */
  apply(request: RecordedRequest): RecordedRequest {
    if (this.#long.size + this.#ids.size === 0) return request;
    const { body } = request;
    const value = body.encoding === 'utf8' ? jsonOf(body.text) : undefined;
    const text =
      value === undefined ? this.#replaced(body.text) : JSON.stringify(this.#json('', value, 0));
    return {
      ...request,
      path: this.#path(request.path),
      headers: request.headers.map(([name, one]) => [name, this.#replaced(one)]),
      body: body.encoding === 'utf8' ? { ...body, text } : body,
    };
  }

  #walk(key: string, recorded: unknown, replayed: unknown, depth: number): void {
    if (depth > depthMax) return;
    if (Array.isArray(recorded) && Array.isArray(replayed)) {
      for (const [at, one] of recorded.entries()) this.#walk(key, one, replayed[at], depth + 1);
    } else if (isRecord(recorded) && isRecord(replayed)) {
      for (const [name, one] of Object.entries(recorded))
        this.#walk(name, one, replayed[name], depth + 1);
    } else this.#note(key, recorded, replayed);
  }

  #note(key: string, recorded: unknown, replayed: unknown): void {
    const [was, is] = [textOf(recorded), textOf(replayed)];
    if (was === undefined || is === undefined || was === is) return;
    if (this.#long.size + this.#ids.size >= valuesMax) return;
    if (isIdKey(key)) this.#ids.set(was, is);
    if (isLong(was) && isLong(is)) this.#long.set(was, is);
  }

  /** The parts of a cookie or an address that have changed. */
  #header(was: string, is: string): void {
    const parts = (text: string): string[] => text.split(/[/?&=;,\s]+/);
    const now = parts(is);
    for (const [at, part] of parts(was).entries()) {
      const other = now[at];
      if (other === undefined || other === part || part === '') continue;
      if (isLong(part) && isLong(other)) this.#long.set(part, other);
      else if (/^\d+$/.test(part) && /^\d+$/.test(other)) this.#ids.set(part, other);
    }
  }

  #path(path: string): string {
    return path
      .split(/([/?&=])/)
      .map(part => this.#ids.get(part) ?? this.#replaced(part))
      .join('');
  }

  #json(key: string, value: unknown, depth: number): unknown {
    if (depth > depthMax) return value;
    if (Array.isArray(value)) return value.map(one => this.#json(key, one, depth + 1));
    if (isRecord(value)) {
      const entries = Object.entries(value);
      return Object.fromEntries(
        entries.map(([name, one]) => [name, this.#json(name, one, depth + 1)]),
      );
    }
    const text = textOf(value);
    const renamed = text !== undefined && isIdKey(key) ? this.#ids.get(text) : undefined;
    if (renamed !== undefined) return typeof value === 'number' ? Number(renamed) : renamed;
    return typeof value === 'string' ? this.#replaced(value) : value;
  }

  #replaced(text: string): string {
    let changed = text;
    for (const [from, to] of this.#long) changed = changed.replaceAll(from, to);
    return changed;
  }
}

/** `id`, `orderId`, `order_id`, `ids`. */
function isIdKey(key: string): boolean {
  return /(^id|Id|_id|-id|uuid|key|token|number)s?$/i.test(key);
}

/** No words of a language: an id, a token, a hash. */
function isLong(text: string): boolean {
  return text.length >= longCharacters && /^[\w.~+/=-]+$/.test(text) && /\d/.test(text);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valuesOf(answer: NonNullable<Answer>, name: string): string[] {
  return answer.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}
