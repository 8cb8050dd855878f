import { type Attempt, type Guardian, isFailure, type Turn } from '../contract/index.ts';
import { both, type Composed, type NamedStrategy } from './both.ts';

/** The name of the strategy that decides under `from` and tries the lock of `to`. */
export const shadowName = (from: string, to: string): string => `shadow:${from}+${to}`;

/** The name under which a command runs whose keys are under either of the two. */
export const dividedName = (one: string, other: string): string =>
  `both:${[one, other].sort().join('+')}`;

const shadowed = /^shadow:([a-z0-9-]+)\+/;

/** Which strategy protects under this name: that of a shadow is the old one, alone. */
export function protectorOf(name: string): string {
  return shadowed.exec(name)?.[1] ?? name;
}

/** Of what is left of a command's time, the tried lock may take so much. */
const shareOfTime = 0.5;

/**
 * Decides under `holding` as ever; the lock of `tried` is taken around it where it can be had. If it cannot,
 * the command goes on without it: its failures are counted and refuse nobody. So only a lock outside the
 * transaction can be tried; what fails inside a transaction fails all of it.
 */
export function shadow(holding: NamedStrategy, tried: NamedStrategy): Composed {
  const made = both(holding, tried);
  if ('refused' in made) return made;
  const [old, now] = [holding.declared, tried.declared];
  const fences = now.guard.every(guard => guard === 'fence read' || guard === 'fence write');
  const outside = now.turns.length > 0 && now.first.length === 0 && fences;
  if (!outside || now.isolation !== 'read committed' || now.wording !== 'steps')
    return {
      refused:
        `'${tried.name}' protects inside the transaction, where a failure is the command's own: it ` +
        'cannot be only tried. Start with a small weight instead',
    };
  const { hazard: _, ...safe } = made.declared;
  return {
    name: shadowName(holding.name, tried.name),
    declared: {
      ...safe,
      title: `${old.title}; tries: ${now.title}`,
      wording: old.wording,
      isolation: old.isolation,
      // the old one first: the new one is tried while it is held, where that is a lock outside as well
      turns: [...old.turns, ...now.turns.map(onlyTried)],
      first: old.first,
      guard: old.guard, // without a lease there is no token that a fence could check
      parts: [old],
      ...(old.hazard && { hazard: old.hazard }),
    },
  };
}

/** A turn that lets in everybody: with the lock, or without it where it cannot be had. */
function onlyTried(turn: Turn): Turn {
  return {
    ...turn,
    async open(backends, tuning) {
      const opening = (): Promise<Guardian> => turn.open(backends, tuning);
      let opened = opening();
      opened.catch(() => {}); // whoever tries it is told
      return {
        async turn(attempt, keys, inner) {
          const deadlineMs = halfTime(attempt, backends.now());
          let entered = false;
          try {
            const guardian = await opened.catch(() => {
              opened = opening();
              return opened;
            });
            return await guardian.turn({ ...attempt, deadlineMs }, keys, () => {
              entered = true;
              attempt.tried?.('granted');
              return inner({}); // whether it is lost, and its token, are nobody's business
            });
          } catch (error) {
            const code = isFailure(error) ? error.code : 'internal-error';
            if (entered || code === 'caller-left') throw error;
            attempt.tried?.(code);
            return inner({});
          }
        },
        close: async () => (await opened.catch(() => undefined))?.close(),
      };
    },
  };
}

function halfTime({ deadlineMs }: Attempt, nowMs: number): number {
  return nowMs + shareOfTime * Math.max(0, deadlineMs - nowMs);
}
