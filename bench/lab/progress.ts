/** Live progress on standard error: one updating line on a terminal, plain lines elsewhere. */
import type { WriteStream } from 'node:tty';

export interface Progress {
  /** Announces the next planned step. */
  step(what: string): void;
  /** Prints a line that stays: a server that was found, a warning. */
  note(line: string): void;
  /** Clears the updating line. */
  end(): void;
}

/** `steps`: how many are planned, to estimate the time left. */
export function openProgress(
  out: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>,
  steps: number,
  nowMs: () => number = () => performance.now(),
): Progress {
  let done = 0;
  let firstMs: number | undefined;
  const left = (): string => {
    const begunMs = firstMs ?? nowMs();
    if (done < 2) return '';
    const perStepMs = (nowMs() - begunMs) / (done - 1);
    return `, about ${Math.ceil((perStepMs * (steps - done + 1)) / 1_000)} s left`;
  };
  const clear = out.isTTY ? '\r\u001b[K' : '';
  return {
    step(what) {
      done += 1;
      firstMs ??= nowMs();
      const line = `[${done}/${steps}] ${what}${left()}`;
      out.write(
        out.isTTY ? `${clear}${line.slice(0, Math.max(20, out.columns - 1))}` : `${line}\n`,
      );
    },
    note(line) {
      out.write(`${clear}${line}\n`);
    },
    end() {
      out.write(clear);
    },
  };
}
