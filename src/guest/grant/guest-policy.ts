/** What a realm allows guest tokens to be, whoever mints them. */
import { z } from 'zod';

export const guestPolicy = z.strictObject({
  /** Seconds that a guest token lives at most. */
  maxTtl: z.int().min(1).max(5_184_000).default(86_400),
  /** Seconds that one lives at least: 10, and 1 behind the calls of the embed products. */
  minTtl: z.int().min(1).max(86_400).default(10),
  /** `ttl: null`, for opaque and UUID tokens: such a token ends only by revocation. */
  allowNonExpiring: z.boolean().default(false),
  /** `in_query`: SQL of the minting client inside a row limit. */
  allowRawSql: z.boolean().default(false),
  /** Allows `http://localhost` as an origin in a binding. */
  allowLocalhostOrigins: z.boolean().default(false),
  /** The rows of a resource that names none. Absent: `rows` is required. */
  defaultRows: z.enum(['all', 'none']).optional(),
  /** Days that events of a token's trail are kept; 0: none are written. Counts for tokens minted from then on. */
  trailDays: z.int().min(0).max(3650).default(90),
});

export type GuestPolicy = z.infer<typeof guestPolicy>;
