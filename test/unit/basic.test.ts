import { describe, expect, it } from 'vitest';
import { readBasic } from '../../src/http/basic.ts';

const encoded = (pair: string | Buffer) => Buffer.from(pair).toString('base64');

describe('the reader of Basic', () => {
  it.each([
    ['id and secret', `Basic ${encoded('id:secret')}`, 'id', 'secret'],
    ['another case of the scheme', `bASIC ${encoded('id:secret')}`, 'id', 'secret'],
    ['no padding', `Basic ${encoded('id:secrets').replaceAll('=', '')}`, 'id', 'secrets'],
    ['a colon in the secret', `Basic ${encoded('id:a:b')}`, 'id', 'a:b'],
    ['form encoding', `Basic ${encoded('a%3Ab+c:%25+%2B')}`, 'a:b c', '% +'],
    ['no secret', `Basic ${encoded('id:')}`, 'id', ''],
    ['no id', `Basic ${encoded(':secret')}`, '', 'secret'],
  ])('takes %s', (_what, value, id, secret) => {
    expect(readBasic(value)).toEqual({ id, secret });
  });

  it.each([
    ['nothing behind the scheme', 'Basic'],
    ['two spaces', `Basic  ${encoded('id:secret')}`],
    ['two words', `Basic ${encoded('id:secret')} x`],
    ['no base64', 'Basic !!!!'],
    ['one digit too many', `Basic ${encoded('id:sec')}A`],
    ['too much padding', `Basic ${encoded('id:secret').replaceAll('=', '')}==`],
    ['base64url', 'Basic aWQ6Pz8_'],
    ['no colon', `Basic ${encoded('id')}`],
    ['a percent sign that encodes nothing', `Basic ${encoded('id:50%')}`],
    ['no ASCII', `Basic ${encoded('id:é')}`],
    ['no UTF-8', `Basic ${encoded(Buffer.from([0x69, 0x3a, 0xff]))}`],
    ['a control character', `Basic ${encoded('id:a%00')}`],
  ])('calls %s malformed', (_what, value) => {
    expect(readBasic(value)).toBe('malformed');
  });

  it.each([undefined, '', 'Bearer abc', 'Basically abc'])('leaves %s to others', (value) => {
    expect(readBasic(value)).toBeUndefined();
  });
});
