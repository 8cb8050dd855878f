/** `lockstep rollout`: moves a running service from one strategy to another. */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Step } from '../../src/rollout/rollouts.ts';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, number, wholeNumber } from '../lab/option-values.ts';
import { TargetUnusable } from '../load/remote.ts';
import type { CliCommand, CommandContext } from './command.ts';
import { plan } from './rollout-plan.ts';

const words = (flags: string, text: string, fallback?: string) =>
  option<string | undefined>({ flags, text, fallback });

const amount = (flags: string, text: string) =>
  option<number | undefined>({ flags, text, read: wholeNumber(1, 2_592_000), fallback: undefined });

const share = (flags: string, text: string, max = 1) =>
  option<number | undefined>({ flags, text, read: number(0, max), fallback: undefined });

const table = {
  from: words('--from <strategy>', 'the strategy that decides now'),
  to: words('--to <strategy>', 'the strategy to move to'),
  variant: words('--variant <name>', 'a variant of the scenario (default: its first)'),
  steps: option<readonly string[]>({
    flags: '--steps <list>',
    text: 'percentages of the keys; pause:60 for 60 s, pause for a person; shadow:10 tries the lock on so many',
    read: nameList,
    fallback: ['1', 'pause:60', '10', 'pause:60', '50', 'pause:60', '100'],
  }),
  contestedKeys: amount(
    '--contested-keys <n>',
    'gate: clean contested keys before each step up (59)',
  ),
  compared: amount('--compared <n>', 'gate: compared commands of each side before that (100)'),
  hold: amount('--hold <seconds>', 'gate: how long a step waits for evidence (3600)'),
  slower: share('--slower <times>', 'gate: how many times as long it may take (1)', 1_000),
  moreBusy: share('--more-busy <share>', 'gate: how many more may end busy, as 0.01 (0)'),
  moreFailed: share('--more-failed <share>', 'gate: how many more may fail (0)'),
  moreUnknown: share('--more-unknown <share>', 'gate: how many more may end unknown (0)'),
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
  scenario: words('--scenario <name>', 'plan of two strategies: the scenario', 'appointment'),
  explore: option<boolean>({
    flags: '--explore',
    text: 'plan: look for an order that breaks the two side by side (starts servers, takes a minute)',
    fallback: false,
  }),
  json: option<boolean>({ flags: '--json', text: 'print JSON', fallback: false }),
};

type Options = OptionValues<typeof table>;

const examples = `
Actions: plan, start, status, verdict, pause, resume, promote, abort. All but plan and verdict need ADMIN_TOKEN.

Examples:
  lockstep rollout plan gift-card --from row-lock --to redis-lease-fenced
  ADMIN_TOKEN=… lockstep rollout start gift-card --from row-lock --to redis-lease-fenced --steps 10,pause,100 --why "fewer connections"
  lockstep rollout plan row-lock redis-lease-fenced --explore
  ADMIN_TOKEN=… lockstep rollout status gift-card --watch
  lockstep rollout verdict gift-card
  ADMIN_TOKEN=… lockstep rollout abort gift-card --why "the error rate rises"

Exit codes:
  ${exitCodes.asClaimed}  done, or possible; status: healthy or on its way
  ${exitCodes.claimBroken}  the rollout was failed by its gate or aborted; plan: impossible
  ${exitCodes.inconclusive}  verdict: inconclusive
  ${exitCodes.usage}  the command line is wrong, or the service refused it
  ${exitCodes.missing}  the service does not answer`;

function form(): Command {
  return commandOf(
    'rollout',
    'Moves the keys of a running service from one strategy to another, group by group.',
    table,
  )
    .argument('<action>', 'what to do')
    .argument('<scenario>', 'the scenario; plan: or the strategy to move from')
    .argument('[to]', 'plan: the strategy to move to')
    .addHelpText('after', examples);
}

export const command: CliCommand = {
  form,
  async run(context) {
    const command = form();
    const options = readTable(command, table, context.argv);
    const [action = '', scenario = '', to] = command.args;
    if (action === 'plan')
      return plan(to === undefined ? { scenario } : { from: scenario, to }, options, context);
    if (to !== undefined) throw new UsageError(`${action} takes one scenario, not also '${to}'`);
    if (action === 'verdict') return verdict(scenario, options, context);
    if (action === 'start') return told(await start(scenario, options, context), options, context);
    if (action === 'status') return status(scenario, options, context);
    if (!['pause', 'resume', 'promote', 'abort'].includes(action))
      throw new UsageError(
        `unknown action '${action}'; expected plan, start, status, verdict, pause, resume, promote or abort`,
      );
    const { who, why } = byWhom(options);
    const body = { who, why, ...(options.variant && { variant: options.variant }) };
    const path = `${scenario}/${action}`;
    told(await ask('POST', path, options, context, body), options, context);
    return exitCodes.asClaimed; // it was done: an abort that is asked for is no failure
  },
  kept: 'The rollout goes on in the service; see: lockstep rollout status.',
};

function start(name: string, options: Options, context: CommandContext): Promise<Told> {
  const { from, to, variant, lab, effectsOutside } = options;
  const { who, why } = byWhom(options);
  const steps = options.steps.map(stepOf);
  return ask('PUT', name, options, context, {
    ...{ who, why, from, to, steps, lab, gate: gateOf(options) },
    ...(variant && { variant }),
    ...(effectsOutside && { acknowledge: 'effects outside' }),
  });
}

/** What is not said is left to the service. */
function gateOf(options: Options): Readonly<Record<string, number>> {
  const { contestedKeys, compared: commands, hold: holdSeconds, slower } = options;
  const { moreBusy: busy, moreFailed: failed, moreUnknown: unknown } = options;
  const asked = { contestedKeys, commands, holdSeconds, slower, busy, failed, unknown };
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function stepOf(text: string): Step {
  const [, seconds] = /^pause:(\d+)$/.exec(text) ?? [];
  const [, shadow] = /^shadow:(\d{1,3})$/.exec(text) ?? [];
  if (shadow !== undefined) return { setShadow: Number(shadow) };
  if (text === 'pause') return { pause: {} };
  if (seconds !== undefined) return { pause: { seconds: Number(seconds) } };
  if (/^\d{1,3}$/.test(text)) return { setWeight: Number(text) };
  throw new UsageError(
    `--steps: '${text}' is no percentage, pause, pause:<seconds> or shadow:<percentage>`,
  );
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
  shadow: z.number(),
  failed: z.string().nullable(),
  verdict: z.string(),
  reasons: z.array(z.object({ says: z.string() })),
  behind: z.array(
    z.object({ runsAt: z.string().nullable(), silentSeconds: z.number().nullable() }),
  ),
  blocked: z.unknown().optional(),
  log: z.array(z.object({ at: z.string(), who: z.string(), action: z.string(), why: z.string() })),
});

type Told = z.infer<typeof toldShape>;

function told(rollout: Told, { json }: Options, { write }: CommandContext): number {
  if (json) write(`${JSON.stringify(rollout)}\n`);
  else {
    write(`${lineOf(rollout)}\n`);
    for (const { says } of rollout.reasons) write(`  gate: ${says}\n`);
    for (const { runsAt, silentSeconds } of rollout.behind)
      write(
        `  behind: ${runsAt ?? 'an older build'}, silent for ${Math.round(silentSeconds ?? 0)} s\n`,
      );
    for (const { at, who, action, why } of rollout.log.slice(0, 10))
      write(`  ${at}  ${who}: ${action} (${why})\n`);
  }
  return codeOf(rollout);
}

function lineOf(rollout: Told): string {
  const { scenario, variant, from, to, stage, step, steps, weight, shadow, verdict, failed } =
    rollout;
  const tried = shadow > 0 ? `, tried on ${shadow} %` : '';
  const at = `${scenario}/${variant}  ${from} -> ${to}  ${stage}, ${weight} % of the keys${tried}, ${verdict}`;
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

const verdictShape = z.object({
  verdict: z.enum(['Successful', 'Failed', 'Inconclusive']),
  reasons: z.array(
    z.object({ verdict: z.string(), says: z.string(), evidence: z.string().optional() }),
  ),
});

const codes = {
  Successful: exitCodes.asClaimed,
  Failed: exitCodes.claimBroken,
  Inconclusive: exitCodes.inconclusive,
} as const;

async function verdict(name: string, options: Options, context: CommandContext): Promise<number> {
  const query = options.variant ? `?variant=${encodeURIComponent(options.variant)}` : '';
  const answered = await send('GET', `/rollouts/${name}/verdict${query}`, options, context);
  const { verdict, reasons } = verdictShape.parse(answered);
  if (options.json) context.write(`${JSON.stringify(answered)}\n`);
  else {
    context.write(`${verdict}\n`);
    for (const { verdict, says, evidence } of reasons)
      context.write(`  ${verdict}: ${says}${evidence === undefined ? '' : ` (${evidence})`}\n`);
  }
  return codes[verdict];
}

async function ask(
  method: string,
  path: string,
  options: Options,
  context: CommandContext,
  body?: object,
): Promise<Told> {
  return toldShape.parse(await send(method, `/admin/rollouts/${path}`, options, context, body));
}

const answerMs = 10_000;

async function send(
  method: string,
  path: string,
  { baseUrl }: Options,
  { environment }: CommandContext,
  body?: object,
): Promise<unknown> {
  const url = `${(baseUrl ?? '').replace(/\/+$/, '')}${path}`;
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
  if (response.ok) return answered;
  const { detail = `it answered ${response.status}` } =
    z.object({ detail: z.string() }).safeParse(answered).data ?? {};
  throw new UsageError(detail);
}
