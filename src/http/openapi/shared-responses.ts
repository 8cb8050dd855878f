import { type JsonSchema, ref } from './schemas.ts';

/** The responses that several operations give, by name, and all others as they are. */
export class SharedResponses {
  readonly #counts = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly #components: Record<string, JsonSchema> = {};

  /** Every response has to be counted before the first is `placed`. */
  count(response: JsonSchema): void {
    const text = JSON.stringify(response);
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
  }

  /** A reference where others give the same response. `name` says what they have in common. */
  placed(response: JsonSchema, name: string): JsonSchema {
    const text = JSON.stringify(response);
    if ((this.#counts.get(text) ?? 0) < 2) return response;
    const known = this.#names.get(text) ?? this.#free(name);
    this.#names.set(text, known);
    this.#components[known] = response;
    return ref('responses', known);
  }

  get components(): JsonSchema {
    return this.#components;
  }

  #free(name: string): string {
    let free = name;
    for (let number = 2; free in this.#components; number += 1) free = `${name}-${number}`;
    return free;
  }
}
