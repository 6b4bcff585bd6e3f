/** What is asked about a guest token at introspection, by whom, and what may be answered. */
import type { RequestSource } from '../../observability/request-source.ts';
import type { BindingFault, Presented } from '../grant/bindings.ts';

export type GuestReason =
  | 'expired'
  | 'idle'
  | 'revoked'
  | 'max_uses'
  | 'not_yet_valid'
  | 'policy_changed'
  | BindingFault;

/** What the resource server saw, and what it wants to do. */
export type GuestQuestion = Omit<Presented, 'addresses'> & {
  readonly resource?: string | undefined;
  readonly action?: string | undefined;
  /** Ask without counting a use. */
  readonly dryRun: boolean;
};

export type GuestCaller = {
  /** Audiences of the APIs that it introspects. */
  readonly audiences: ReadonlySet<string>;
  readonly clientId: string;
  /** Where its request came from, for the trail. */
  readonly requestSource: RequestSource;
  /** It proved itself with a certificate: only such a caller gets the secrets of a connection. */
  readonly isMutualTls?: boolean;
};

export type GuestAnswer =
  | { readonly active: false; readonly guest_reason?: GuestReason }
  | ({ readonly active: true } & Record<string, unknown>);
