/** What one caller was told, until it is held against the rows. Pure. */
import type { Told } from './service.ts';

const claimsPerAudit = 500;

/** What one request to the audit may hold. */
export interface ClaimsPart {
  readonly acknowledged: readonly Told[];
  readonly denied: readonly Told[];
  readonly refusedIds: readonly string[];
}

export class CallerClaims {
  #acknowledged: Told[] = [];
  #denied: Told[] = [];
  readonly #refusedIds = new Set<string>();

  acknowledge(told: Told): void {
    this.#acknowledged.push(told);
  }

  deny(told: Told): void {
    this.#denied.push(told);
  }

  refuse(id: string): void {
    this.#refusedIds.add(id);
  }

  /** How many of them may be audited in the middle of the load. */
  get size(): number {
    return this.#acknowledged.length + this.#denied.length;
  }

  /**
   * Hands them out, a part for each request. Refusals only when all is over: the key may be refused to
   * one while the command that fills it is still under way.
   */
  take(when: 'in the load' | 'at the end'): readonly ClaimsPart[] {
    const [acknowledged, denied] = [this.#acknowledged, this.#denied];
    const refusedIds = when === 'at the end' ? [...this.#refusedIds] : [];
    [this.#acknowledged, this.#denied] = [[], []];
    if (when === 'at the end') this.#refusedIds.clear();
    const parts: ClaimsPart[] = [];
    const longest = Math.max(acknowledged.length, denied.length, refusedIds.length);
    for (let at = 0; at < longest; at += claimsPerAudit) {
      const end = at + claimsPerAudit;
      parts.push({
        acknowledged: acknowledged.slice(at, end),
        denied: denied.slice(at, end),
        refusedIds: refusedIds.slice(at, end),
      });
    }
    return parts;
  }
}
