import type { PasswordPolicy } from '../model/model.ts';
import type { PasswordFault } from './passwords.ts';

/** What to say of a refused password, in words that follow "the password". */
export function wordsOfFault(fault: PasswordFault, { minLength, maxLength }: PasswordPolicy): string {
  const words: Readonly<Record<PasswordFault, string>> = {
    too_short: `must have at least ${minLength} characters`,
    too_long: `may have at most ${maxLength} characters`,
    is_username: 'must not be the user name',
    is_email: 'must not be the e-mail address',
    breached: 'is on the list of those that are tried first',
  };
  return words[fault];
}
