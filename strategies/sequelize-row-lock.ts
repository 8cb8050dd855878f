import { strategy } from '../src/contract/index.ts';

/** The row lock through the ORM: the same order of events, with the ORM's own statements and cost. */
export default strategy({
  title: "Sequelize's findOne with lock: t.LOCK.UPDATE on the deciding row",
  store: 'sequelize',
  guard: ['lock row'],
  compared: 'on request',
});
