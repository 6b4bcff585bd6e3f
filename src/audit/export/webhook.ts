/** Sends events to an address of the operator's, signed by the rules of Standard Webhooks (standardwebhooks.com). */
import { createHmac } from 'node:crypto';
import { type Clock, epochSeconds } from '../../base/clock.ts';
import type { Delivery, Target } from './target.ts';

export type WebhookDeps = {
  readonly url: string;
  /** The bytes of the secret. */
  readonly secret: Buffer;
  readonly clock: Clock;
  /** Follows no redirects. */
  readonly fetch: (url: string, options: RequestInit) => Promise<Response>;
};

/** Milliseconds that the receiver may take. */
const PATIENCE_MS = 5000;

export function createWebhook({ url, secret, clock, fetch }: WebhookDeps): Target {
  async function send({ id, realm, events }: Delivery): Promise<void> {
    const timestamp = epochSeconds(clock);
    const body = JSON.stringify({
      type: 'audit.events',
      timestamp: new Date(timestamp * 1000).toISOString(),
      data: { realm, events },
    });
    const signed = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
    const response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        'Content-Type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': `v1,${signed}`,
      },
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the webhook of the audit log answered ${response.status}`);
  }

  return { name: 'webhook', send };
}
