/** The contract between strategies, scenarios and the engine. Imports no other module of ours. */
export * from './failure.ts';
export * from './left.ts';
export * from './locks.ts';
export * from './lost.ts';
export * from './outcome.ts';
export * from './predict.ts';
export * from './redis-reply.ts';
export * from './route.ts';
export * from './scenario.ts';
export * from './strategy.ts';
export * from './tx.ts';
