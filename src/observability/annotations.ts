/** What a request's log line says beyond what its HTTP shows. Never a value that lets anybody in. */
export type Annotations = {
  realm?: string;
  client?: string;
  /** The subject of the person who called, where people call. */
  user?: string;
  /** The protocol route or page, such as `token`. */
  route?: string;
  grant?: string;
  /** `ok`, or the error code that was answered. */
  outcome?: string;
  /** Kind of the credential that was wrong. */
  wrong?: 'client_secret' | 'api_key' | 'grant' | 'user_code' | 'password';
  /** The limit of its network that the request is over. */
  limit?: 'logins' | 'pushed-requests' | 'device-codes' | 'registrations' | 'proofs';
  /** Why, for the operator: never told to the caller. */
  reason?: string;
};
