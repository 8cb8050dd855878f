import { z } from 'zod';

const centsMax = 100_000_000;

/** An amount of money in cents: whole, positive and at most a million in the currency's unit. */
export const cents = z.number().int().min(1).max(centsMax);
