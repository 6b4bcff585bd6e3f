/** A client as the admin API shows it: without its secrets. */
import { z } from 'zod';
import { type Client, client } from '../../../registry/model/model.ts';

/** `hasSecret`, and not the secret: that is shown once, when it is made. */
export const shownClient = client
  .omit({ secret: true, previousSecret: true })
  .extend({ hasSecret: z.boolean() });

export function clientShown({ secret, previousSecret: _, ...rest }: Client) {
  return { ...rest, hasSecret: secret !== undefined };
}

/** The client with the secret that was made for it: the only time that anybody sees it. */
export const clientWithSecret = shownClient.extend({ secret: z.string().optional() });
