import type { Query } from '../contract/index.ts';
import type { Limits, Store, Transaction, TransactionPlan } from './store.ts';

/** A store that the first command to need it opens; costs nothing until then. */
export class LazyStore<S extends Store> implements Store {
  readonly #open: () => Promise<S>;
  #opening: Promise<S> | undefined;
  #opened: S | undefined;

  constructor(open: () => Promise<S>) {
    this.#open = open;
  }

  /** The store, once it is open. */
  get opened(): S | undefined {
    return this.#opened;
  }

  async begin(plan: TransactionPlan): Promise<Transaction> {
    return (await this.#store()).begin(plan);
  }

  readonly query: Query = async (statement, values) =>
    (await this.#store()).query(statement, values);

  within(limits: Limits): Query {
    return async (statement, values) => (await this.#store()).within(limits)(statement, values);
  }

  async transact<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return (await this.#store()).transact(work);
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close();
  }

  /** The next command retries a failed opening. */
  #store(): Promise<S> {
    if (this.#opening) return this.#opening;
    this.#opening = this.#open();
    this.#opening.then(
      store => {
        this.#opened = store;
      },
      () => {
        this.#opening = undefined;
      },
    );
    return this.#opening;
  }
}
