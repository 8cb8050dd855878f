/** `lockstep rollout`: moves a running service from one strategy to another. */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { loadRegistry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { wayOf } from '../../src/rollout/plan.ts';
import type { Step } from '../../src/rollout/rollouts.ts';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList } from '../lab/option-values.ts';
import { TargetUnusable } from '../load/remote.ts';
import type { CliCommand, CommandContext } from './command.ts';

const words = (flags: string, text: string, fallback?: string) =>
  option<string | undefined>({ flags, text, fallback });

const table = {
  from: words('--from <strategy>', 'the strategy that decides now'),
  to: words('--to <strategy>', 'the strategy to move to'),
  variant: words('--variant <name>', 'a variant of the scenario (default: its first)'),
  steps: option<readonly string[]>({
    flags: '--steps <list>',
    text: 'percentages of the keys and pauses: pause waits for a person, pause:60 for 60 s',
    read: nameList,
    fallback: ['1', 'pause:60', '10', 'pause:60', '50', 'pause:60', '100'],
  }),
  who: words('--who <name>', 'who does it, for the log (default: you)'),
  why: words('--why <text>', 'why, for the log'),
  lab: option<boolean>({ flags: '--lab', text: 'allow a hazard as --to', fallback: false }),
  effectsOutside: option<boolean>({
    flags: '--acknowledge-effects-outside',
    text: 'start although the variant has an effect outside the database',
    fallback: false,
  }),
  baseUrl: words('--base-url <url>', 'the service', 'http://127.0.0.1:3000'),
  watch: option<boolean>({ flags: '--watch', text: 'status: until it is over', fallback: false }),
  json: option<boolean>({ flags: '--json', text: 'print JSON', fallback: false }),
};

type Options = OptionValues<typeof table>;

const examples = `
Actions: plan, start, status, pause, resume, promote, abort. All but plan and status need ADMIN_TOKEN.

Examples:
  lockstep rollout plan gift-card --from row-lock --to redis-lease-fenced
  ADMIN_TOKEN=… lockstep rollout start gift-card --from row-lock --to redis-lease-fenced --steps 10,pause,100 --why "fewer connections"
  ADMIN_TOKEN=… lockstep rollout status gift-card --watch
  ADMIN_TOKEN=… lockstep rollout abort gift-card --why "the error rate rises"

Exit codes:
  ${exitCodes.asClaimed}  done, or possible; status: healthy or on its way
  ${exitCodes.claimBroken}  the rollout was failed by its gate or aborted; plan: impossible
  ${exitCodes.usage}  the command line is wrong, or the service refused it
  ${exitCodes.missing}  the service does not answer`;

function form(): Command {
  return commandOf(
    'rollout',
    'Moves the keys of a running service from one strategy to another, group by group.',
    table,
  )
    .argument('<action>', 'what to do')
    .argument('<scenario>', 'the scenario')
    .addHelpText('after', examples);
}

export const command: CliCommand = {
  form,
  async run(context) {
    const command = form();
    const options = readTable(command, table, context.argv);
    const [action = '', scenario = ''] = command.args;
    if (action === 'plan') return plan(scenario, options, context);
    if (action === 'start') return told(await start(scenario, options, context), options, context);
    if (action === 'status') return status(scenario, options, context);
    if (!['pause', 'resume', 'promote', 'abort'].includes(action))
      throw new UsageError(
        `unknown action '${action}'; expected plan, start, status, pause, resume, promote or abort`,
      );
    const { who, why } = byWhom(options);
    const body = { who, why, ...(options.variant && { variant: options.variant }) };
    const path = `${scenario}/${action}`;
    return told(await ask('POST', path, options, context, body), options, context);
  },
  kept: 'The rollout goes on in the service; see: lockstep rollout status.',
};

async function plan(
  name: string,
  { from, to, variant: wanted, lab, effectsOutside, json }: Options,
  { write }: CommandContext,
): Promise<number> {
  const registry = await loadRegistry([]);
  const scenario = registry.scenarios.get(name);
  if (!scenario)
    throw new UsageError(
      `unknown scenario '${name}'; expected one of ${[...registry.scenarios.keys()].join(', ')}`,
    );
  const { variants } = scenario.registered;
  const variant = variants[wanted ?? Object.keys(variants)[0] ?? ''];
  if (!variant)
    throw new UsageError(
      `unknown variant '${wanted}'; expected one of ${Object.keys(variants).join(', ')}`,
    );
  const strategyOf = (flag: string, named: string | undefined) => {
    const found = named === undefined ? undefined : strategyNamed(registry, named);
    if (found && 'strategy' in found) return found.strategy;
    throw new UsageError(
      named === undefined ? `${flag} is missing` : `unknown strategy '${named}'`,
    );
  };
  const way = wayOf({
    from: strategyOf('--from', from),
    to: strategyOf('--to', to),
    variant,
    hazardAllowed: lab,
    outsideAcknowledged: effectsOutside,
  });
  if (json) write(`${JSON.stringify(way)}\n`);
  else {
    write(`${way.way}: ${way.because}\n`);
    for (const need of way.needs) write(`needs ${need}\n`);
  }
  return way.way === 'impossible' ? exitCodes.claimBroken : exitCodes.asClaimed;
}

function start(name: string, options: Options, context: CommandContext): Promise<Told> {
  const { from, to, variant, lab, effectsOutside } = options;
  const { who, why } = byWhom(options);
  const steps = options.steps.map(stepOf);
  return ask('PUT', name, options, context, {
    ...{ who, why, from, to, steps, lab },
    ...(variant && { variant }),
    ...(effectsOutside && { acknowledge: 'effects outside' }),
  });
}

function stepOf(text: string): Step {
  const [, seconds] = /^pause:(\d+)$/.exec(text) ?? [];
  if (text === 'pause') return { pause: {} };
  if (seconds !== undefined) return { pause: { seconds: Number(seconds) } };
  if (/^\d{1,3}$/.test(text)) return { setWeight: Number(text) };
  throw new UsageError(`--steps: '${text}' is no percentage, pause or pause:<seconds>`);
}

const watchMs = 1_000;
const over = ['healthy', 'aborted'];

async function status(name: string, options: Options, context: CommandContext): Promise<number> {
  const path = options.variant ? `${name}?variant=${encodeURIComponent(options.variant)}` : name;
  let before = '';
  for (;;) {
    const rollout = await ask('GET', path, options, context);
    const line = lineOf(rollout);
    if (!options.watch) return told(rollout, options, context);
    if (line !== before) context.write(`${line}\n`);
    before = line;
    if (over.includes(rollout.stage)) return codeOf(rollout);
    await sleep(watchMs, undefined, { signal: context.signal });
  }
}

const toldShape = z.object({
  scenario: z.string(),
  variant: z.string(),
  from: z.string(),
  to: z.string(),
  step: z.number(),
  steps: z.array(z.unknown()),
  weight: z.number(),
  stage: z.string(),
  failed: z.string().nullable(),
  blocked: z.unknown().optional(),
  log: z.array(z.object({ at: z.string(), who: z.string(), action: z.string(), why: z.string() })),
});

type Told = z.infer<typeof toldShape>;

function told(rollout: Told, { json }: Options, { write }: CommandContext): number {
  if (json) write(`${JSON.stringify(rollout)}\n`);
  else {
    write(`${lineOf(rollout)}\n`);
    for (const { at, who, action, why } of rollout.log.slice(0, 10))
      write(`  ${at}  ${who}: ${action} (${why})\n`);
  }
  return codeOf(rollout);
}

function lineOf({ scenario, variant, from, to, stage, step, steps, weight, failed }: Told): string {
  const at = `${scenario}/${variant}  ${from} -> ${to}  ${stage}, ${weight} % of the keys`;
  const of = step < steps.length ? `, step ${step + 1} of ${steps.length}` : '';
  return `${at}${of}${failed === null ? '' : `; failed: ${failed}`}`;
}

function codeOf({ stage, failed }: Told): number {
  const bad = failed !== null || stage === 'aborted' || stage === 'aborting';
  return bad ? exitCodes.claimBroken : exitCodes.asClaimed;
}

function byWhom({ who, why }: Options): { readonly who: string; readonly why: string } {
  if (why === undefined) throw new UsageError('--why is missing: it is kept in the log');
  return { who: who ?? userInfo().username, why };
}

const answerMs = 10_000;

async function ask(
  method: string,
  path: string,
  { baseUrl }: Options,
  { environment }: CommandContext,
  body?: object,
): Promise<Told> {
  const url = `${(baseUrl ?? '').replace(/\/+$/, '')}/admin/rollouts/${path}`;
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${environment.ADMIN_TOKEN ?? ''}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(answerMs),
    ...(body && { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new TargetUnusable('unreachable', `${baseUrl} does not answer: ${String(why)}`);
  });
  const answered: unknown = await response.json().catch(() => undefined);
  if (response.ok) return toldShape.parse(answered);
  const { detail = `it answered ${response.status}` } =
    z.object({ detail: z.string() }).safeParse(answered).data ?? {};
  throw new UsageError(detail);
}
