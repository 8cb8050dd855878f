import { z } from 'zod';
import {
  adoptionMigrations,
  events,
  type Guard,
  guards,
  isolations,
  type Registered,
  type Strategy,
  storeKinds,
  turnEnds,
  turnHolders,
  wordingsAll,
} from '../contract/index.ts';

/** Guards that Sequelize cannot express in SQL or verify with its models. */
const beyondSequelize: readonly Guard[] = ['lock row, nowait', 'fence read', 'fence write'];

const callable = z.custom<(...args: never[]) => unknown>(
  value => typeof value === 'function',
  'must be a function',
);
const text = z.string().min(1);

const strategyShape = z.strictObject({
  title: text,
  store: z.enum(storeKinds),
  wording: z.enum(wordingsAll),
  isolation: z.enum(isolations),
  turns: z.array(
    z.object({
      heldBy: z.enum(turnHolders),
      until: z.enum(turnEnds),
      oneServer: text.optional(),
      open: callable,
    }),
  ),
  first: z.array(z.object({ text })),
  guard: z.array(z.enum(guards)),
  hazard: z.strictObject({ why: text, under: z.array(z.enum(events)), cure: text }).optional(),
  lockSpace: text.optional(),
  adoption: z.strictObject({
    migration: z.enum(adoptionMigrations),
    everyWriterMustTakePart: z.boolean(),
    newDependency: z.enum(['redis', 'several redis nodes']).optional(),
    poolerSafe: z.boolean(),
    retryNeeded: z.boolean(),
  }),
  compared: z.literal('on request').optional(),
});

/** Problems of a strategy file, each with its fix; the strategy itself if there are none. */
export function strategyProblems(
  name: string,
  declared: unknown,
): { readonly problems: readonly string[]; readonly strategy?: Strategy } {
  const problems: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
    problems.push(
      `the file name is the strategy's name: use lower-case-with-dashes, not '${name}'`,
    );
  const checked = strategyShape.safeParse(declared);
  if (!checked.success) problems.push(...issuesOf(checked.error, declared));
  else problems.push(...contradictions(checked.data));
  return problems.length === 0 && isStrategy(declared)
    ? { problems, strategy: declared }
    : { problems };
}

function isStrategy(declared: unknown): declared is Strategy {
  return strategyShape.safeParse(declared).success;
}

/** Contradicting facts: the engine would act on them, and the strategy would protect nothing. */
function contradictions(strategy: z.infer<typeof strategyShape>): string[] {
  const fences = strategy.guard.some(guard => guard === 'fence read' || guard === 'fence write');
  const leases = strategy.turns.some(turn => turn.heldBy === 'lease');
  const found: string[] = [];
  if (fences && !leases)
    found.push("guard: a fence needs a turn with heldBy 'lease' that issues a fencing token");
  if (strategy.first.some(statement => !statement.text.includes('$1')))
    found.push("first: each statement gets the keys as $1 (text[]) and must return 'granted'");
  const beyond = strategy.guard.filter(guard => beyondSequelize.includes(guard));
  if (strategy.store === 'sequelize' && beyond.length > 0)
    found.push(`guard: Sequelize cannot do '${beyond.join("', '")}'; use store 'pg'`);
  return found;
}

const schema = z.instanceof(z.ZodType, { error: 'must be a zod schema' });
const taken = { params: schema.optional(), body: schema.optional() };
const formShape = z.object({
  ...taken,
  refusals: z.record(z.string(), text),
  examples: z.array(z.object({ key: text, decision: z.record(z.string(), text) })).min(1),
});

const scenarioShape = z.object({
  title: text,
  path: z.string().regex(/^\//, "must start with '/'"),
  race: text,
  exhaustedReasons: z.array(text),
  variants: z
    .record(
      z.string(),
      z.object({
        title: text,
        wordings: z.array(z.enum(wordingsAll)),
        form: formShape,
        rounds: z.record(
          z.string().refine(name => name !== 'plain', "'plain' is reserved for the default round"),
          z.object({ title: text, absent: z.number().int().min(1).optional() }),
        ),
      }),
    )
    .refine(variants => Object.keys(variants).length > 0, 'needs at least one variant'),
  routes: z.array(
    z.object({
      ...taken,
      method: z.enum(['get', 'post']),
      path: text,
      status: z.literal([200, 201]),
      answer: schema,
      example: z.object({ answer: z.object({}) }),
      handle: callable,
    }),
  ),
  load: callable,
  prepare: callable,
});

/** Problems of a scenario's default export; the scenario itself if there are none. */
export function scenarioProblems(declared: unknown): {
  readonly problems: readonly string[];
  readonly scenario?: Registered;
} {
  const checked = scenarioShape.safeParse(declared);
  return checked.success && isScenario(declared)
    ? { problems: [], scenario: declared }
    : { problems: checked.error ? issuesOf(checked.error, declared) : [] };
}

function isScenario(declared: unknown): declared is Registered {
  return scenarioShape.safeParse(declared).success;
}

function issuesOf(error: z.ZodError, declared: unknown): string[] {
  return error.issues.map(issue => {
    const path = issue.path.map(String).join('.') || 'default export';
    const missing = issue.code === 'invalid_type' && valueAt(declared, issue.path) === undefined;
    if (missing)
      return `${path}: is missing; it must be ${aOrAn(issue.expected)} ${issue.expected}`;
    return `${path}: ${issue.message}`;
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  return valueAt(Reflect.get(value, first), rest);
}

function aOrAn(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a';
}
