import type { CancelReason } from './cancelled.ts';
import type { Lane, ServerWait, SessionFacts, TouchedKeys } from './lane.ts';

/** Members of `Lane` that not every store has an answer to. */
type Optional =
  | 'pid'
  | 'transaction'
  | 'evidence'
  | 'frees'
  | 'listens'
  | 'holds'
  | 'cancelsOther'
  | 'stated'
  | 'hasBackend'
  | 'rides'
  | 'wait'
  | 'subscribed'
  | 'clientId'
  | 'database'
  | 'otherDatabase'
  | 'lastTouched'
  | 'callerEnded'
  | 'sent'
  | 'endRide'
  | 'messagesArrive'
  | 'readCancelAs'
  | 'doom';

/** The answers of a store that has no sessions, waits or messages; a lane overrides what it has. */
export abstract class BareLane implements Pick<Lane, Optional> {
  readonly evidence: Lane['evidence'] = 'none';
  readonly frees: Lane['frees'] = 'anybody';
  readonly cancelsOther: boolean = false;
  readonly stated: SessionFacts | undefined = undefined;
  readonly database: string = '0';
  readonly otherDatabase: string | undefined = undefined;

  get lastTouched(): TouchedKeys | undefined {
    return undefined;
  }

  get pid(): number | undefined {
    return undefined;
  }

  get transaction(): Lane['transaction'] {
    return 'I';
  }

  get listens(): boolean {
    return false;
  }

  get holds(): boolean {
    return false;
  }

  get hasBackend(): boolean {
    return false;
  }

  get rides(): boolean {
    return false;
  }

  get wait(): ServerWait | undefined {
    return undefined;
  }

  get subscribed(): boolean {
    return false;
  }

  get clientId(): number | undefined {
    return undefined;
  }

  callerEnded(_failed: boolean): void {}

  sent(): void {}

  endRide(): void {}

  async messagesArrive(): Promise<void> {}

  readCancelAs(_reason: CancelReason | undefined): void {}

  doom(): void {}
}
