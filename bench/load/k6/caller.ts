/** One virtual user: what it sends, what it was told, and what it tells the audit in the end. */
import exec from 'k6/execution';
import { CallerClaims } from './claims.ts';
import { counters, loadStartedAt, trends } from './measures.ts';
import { type Answer, audit, type Command, type Served, send, settled, stop } from './service.ts';
import type { Settings } from './settings.ts';
import type { MadeKey, Story } from './story.ts';

/** Every so many-th command of a key repeats the one before: an impatient finger. */
const tapsTwiceEvery = 5;
/** Beyond these, what was told is audited in the middle of the load. */
const claimsMax = 5_000;

export class Caller {
  readonly #settings: Settings;
  readonly #story: Story;
  readonly #claims = new CallerClaims();
  #answered = 0;
  #answeredMs = 0;
  #turn = 0;

  constructor(settings: Settings, story: Story) {
    this.#settings = settings;
    this.#story = story;
  }

  /** A command whose cost is not counted; it is judged like every other. */
  rehearse(served: Served, key: MadeKey, actor: number, actors: number): void {
    const command = this.#story.command(key, actor, actors);
    this.#remember(key, command, this.#send(served, command, actor), true);
  }

  /** A command on a key that nobody else wants. */
  standBy(served: Served, key: MadeKey, besideLoad: boolean): void {
    const command = this.#story.command(key, 0, 1);
    const answer = this.#send(served, command, 0);
    const trend = besideLoad ? trends.bystander_beside_load_ms : trends.bystander_quiet_ms;
    if (answer.outcome === 'accepted') trend.add(answer.ms);
    this.#remember(key, command, answer, true);
  }

  /** The `place`-th command of the load on a key. */
  command(served: Served, key: MadeKey, place: number, commandsPerKey: number): void {
    const again = place % tapsTwiceEvery === tapsTwiceEvery - 1;
    const tappedTwice = again || place % tapsTwiceEvery === tapsTwiceEvery - 2;
    const actor = again ? place - 1 : place;
    const command = this.#story.command(key, actor, commandsPerKey);
    const answer = this.#send(served, command, actor);
    loadStartedAt.add(exec.scenario.startTime);
    this.#count(answer);
    this.#remember(key, command, answer, !tappedTwice);
    if (this.#claims.size > claimsMax) this.#auditClaims('in the load');
  }

  /** Holds what this caller was told against the rows; once, when all is over. */
  audit(): void {
    if (this.#settings.adminToken !== undefined) {
      if (!settled(this.#settings, this.#story.scenario)) counters.unsettled_audits.add(1);
      this.#auditClaims('at the end');
    }
    counters.callers_audited.add(1);
    if (this.#answered === 0) return;
    const perSecond = (this.#answered / this.#answeredMs) * 1_000;
    counters.fairness_callers.add(1);
    counters.fairness_sum.add(perSecond);
    counters.fairness_squares.add(perSecond ** 2);
  }

  #send(served: Served, command: Command, actor: number): Answer {
    this.#turn += 1;
    // each caller visits the processes in turn: its connections would pin it to one
    const named = { ...command, caller: String(actor) };
    const answer = send(this.#settings, served, named, exec.vu.idInTest + this.#turn);
    if (answer.outcome === 'wrong') {
      counters.wrong_answers.add(1);
      stop(`a command was answered by something else: ${answer.reason}`);
    }
    return answer;
  }

  #count({ outcome, attempts, ms }: Answer): void {
    if (outcome === 'wrong') return;
    counters[outcome].add(1);
    counters.attempts.add(attempts);
    if (outcome === 'unknown') return;
    counters.answered.add(1);
    trends.answered_ms.add(ms);
    trends.answered_at_ms.add(Date.now() - exec.scenario.startTime);
    this.#answered += 1;
    this.#answeredMs += ms;
    if (outcome === 'accepted') {
      counters.attempts_accepted.add(attempts);
      trends.accepted_ms.add(ms);
    }
    if (outcome === 'refused') trends.refused_ms.add(ms);
  }

  /** A double tap claims nothing by its refusal: its twin may have got the place. */
  #remember(
    { key }: MadeKey,
    { refusal }: Command,
    { outcome, reason, commandId }: Answer,
    claimsRefusal: boolean,
  ): void {
    if (outcome === 'accepted') this.#claims.acknowledge({ key, commandId });
    else if (outcome !== 'unknown' && commandId !== '') this.#claims.deny({ key, commandId });
    if (!claimsRefusal || outcome !== 'refused') return;
    if (refusal?.reason === reason) this.#claims.refuse(refusal.id);
    else if (this.#story.exhaustedReasons.includes(reason)) this.#claims.refuse(key);
  }

  #auditClaims(when: 'in the load' | 'at the end'): void {
    for (const { acknowledged, denied, refusedIds } of this.#claims.take(when)) {
      const found = audit(this.#settings, this.#story.scenario, {
        keys: refusedIds.map(id => id.split('/')[0] ?? id),
        refusedKeys: refusedIds,
        acknowledged,
        denied,
      });
      counters.lost_acknowledgements.add(found.excess['lost acknowledgement'] ?? 0);
      counters.false_refusals.add(found.excess['false refusal'] ?? 0);
      counters.inconsistencies.add(found.deniedAndThere);
      counters.acknowledgements_audited.add(acknowledged.length);
    }
  }
}
