/** Live progress on standard error: one line that changes on a terminal, plain lines elsewhere. */
import type { WriteStream } from 'node:tty';

export interface Progress {
  /** The next of the planned steps begins. */
  step(what: string): void;
  /** Something to keep in sight: a server that was found, a warning. */
  note(line: string): void;
  /** Takes the changing line away. */
  end(): void;
}

/** `steps` is how many will come, for the time that is left. */
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
