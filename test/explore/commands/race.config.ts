import { race } from '../../../src/explore/race.ts';
import { programs } from '../programs.ts';

export default race({ title: 'two bookings', ...programs.autocommit });
