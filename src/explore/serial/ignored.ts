import type { Fact } from './facts.ts';
import type { Masked } from './finding.ts';

/**
 * What the config takes out of the comparison: `session` and `public.session` are tables, `session.seen`
 * a column, `redis:rate:*` keys, `answer:requestId` a field of what callers are told. `*` is any text.
 */
export class Ignored {
  readonly #patterns: readonly { readonly text: string; readonly pattern: RegExp }[];

  constructor(ignore: readonly string[]) {
    this.#patterns = ignore.map(text => ({ text, pattern: patternOf(text) }));
  }

  has(fact: Fact): boolean {
    return this.#matches(namesOf(fact));
  }

  hasColumn(fact: Fact, column: string): boolean {
    if (fact.sort === 'answer') return this.#matches([`answer:${column}`]);
    if (fact.sort === 'key') return false;
    return this.#matches(namesOf(fact).map(name => `${name}.${column}`));
  }

  get list(): readonly Masked[] {
    return this.#patterns.map(({ text }) => {
      return { place: text, why: 'ignored by the config', how: 'left out' };
    });
  }

  #matches(names: readonly string[]): boolean {
    return this.#patterns.some(({ pattern }) => names.some(name => pattern.test(name)));
  }
}

function namesOf({ place, sort, cells }: Fact): string[] {
  if (sort === 'answer') return [];
  if (sort === 'key') return [`redis:${cells.find(one => one.column === 'key')?.value ?? ''}`];
  const plain = place.replaceAll('"', '');
  return [plain, plain.replace(/^public\./, '')];
}

function patternOf(text: string): RegExp {
  const escaped = text.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`);
}
