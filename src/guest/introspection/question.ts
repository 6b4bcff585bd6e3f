/** What a resource server asks about a guest token, and what the answer may contain. */
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

/** What the resource server saw of the request, and what the guest wants to do. */
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
  /**
   * True when the caller authenticated by mTLS with a certificate whose chain was verified: only such a caller receives
   * the secrets of a connection.
   */
  readonly isMutualTls?: boolean;
};

export type GuestAnswer =
  | {
      readonly active: false;
      readonly guest_reason?: GuestReason;
      /** With the reason `use_dpop_nonce`: for the answer to the browser. */
      readonly dpop_nonce?: string;
    }
  | ({ readonly active: true } & Record<string, unknown>);
