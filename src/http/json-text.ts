import { InvalidInput } from '../contract/index.ts';
import { Problem } from './answer.ts';

const levelsMax = 32;
const issuesMax = 20;

/**
 * Parses a JSON text whose values every store can take. Throws `Problem` where it is malformed or is
 * nested too deeply for what recurses over it later, and `InvalidInput` for a text that Postgres
 * refuses: with the character NUL, or with half of a surrogate pair, which is silently replaced.
 */
export function parseJson(text: string): unknown {
  if (levelsOf(text) > levelsMax)
    throw new Problem('malformed-json', `The body is nested more than ${levelsMax} levels deep.`);
  const value = parsed(text);
  if (!escaped.test(text)) return value;
  const issues = [...unstorable(value, [])];
  if (issues.length > 0) throw new InvalidInput(issues.slice(0, issuesMax));
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem('malformed-json');
  }
}

/** The deepest nesting of lists and objects, or the first beyond the limit; it need not be JSON. */
function levelsOf(text: string): number {
  let level = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length && deepest <= levelsMax; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') level += 1;
    else if (character === ']' || character === '}') level -= 1;
    deepest = Math.max(deepest, level);
  }
  return deepest;
}

const escaped = /\\u(?:0000|[dD][89a-fA-F])/; // neither can be in a JSON text of valid UTF-8 as it is
const half = /\p{Surrogate}/u;

function* unstorable(
  value: unknown,
  path: readonly string[],
): Generator<{ readonly path: string; readonly message: string }> {
  if (typeof value === 'string') {
    const message = value.includes('\0')
      ? 'must not contain the character NUL'
      : half.test(value) && 'must not contain half of a surrogate pair';
    if (message) yield { path: path.join('.') || 'body', message };
  } else if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) yield* unstorable(member, [...path, name]);
}
