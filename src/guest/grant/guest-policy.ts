/** What a realm lets guest tokens be at all, whoever mints them. */
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
  /** `http://localhost` as an origin to bind to. */
  allowLocalhostOrigins: z.boolean().default(false),
  /** What a resource without `rows` means; absent: that is an error. */
  defaultRows: z.enum(['all', 'none']).optional(),
});

export type GuestPolicy = z.infer<typeof guestPolicy>;
