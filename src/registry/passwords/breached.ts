/** The most common passwords, which attackers try first. */

/**
 * Whether a password is on a list of breached ones. An implementation must not send the password or its whole hash
 * anywhere.
 */
export type BreachedCheck = (password: string) => Promise<boolean>;

/** In lower case, with at least eight characters: no policy allows shorter passwords. */
const COMMON = new Set(
  `
  12345678 123456789 1234567890 0123456789 0987654321 987654321 87654321 123123123 1231231234 12341234
  11111111 111111111 1111111111 00000000 000000000 0000000000 22222222 33333333 44444444 55555555 66666666
  77777777 88888888 888888888 99999999 999999999 12121212 11223344 1122334455 112233445566 11112222 12344321
  123454321 147258369 147852369 159753456 123698745 789456123 741852963 963852741 10203040 102030405060
  01234567 13572468 24681357 31415926 314159265 27182818 20202020 19191919 10101010 12312312 123456654321
  password password1 password2 password12 password123 password1234 password12345 password123456 password!
  password1! password123! passw0rd passw0rd1 passw0rd123 p@ssword p@ssword1 p@ssw0rd p@ssw0rd1 p@ssw0rd123
  pa$$word pa$$w0rd p4ssw0rd passwort passwort1 passwort123 motdepasse contrasena mypassword mypassword1
  thepassword newpassword oldpassword nopassword yourpassword passpass passpass1 passwordpassword passphrase
  changeme changeme1 changeme123 change_me changeit changethis letmein1 letmein123 letmeinnow letmeinplease
  qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwerty!@# qwertyqwerty
  qwertzui qwertzuiop qwertz123 azertyuiop azerty123 asdfghjk asdfghjkl asdfasdf asdf1234 asdfjkl; asdfqwer
  zxcvbnm1 zxcvbnm, zxcvbnm123 zxcvzxcv 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2
  zaq12wsx zaq1zaq1 zaq1xsw2 q1w2e3r4 q1w2e3r4t5 qazwsxedc qazwsx123 qwer1234 qwerasdf a1b2c3d4 a1s2d3f4
  abc12345 abcd1234 abc123456 abcdefgh abcdefghi abcdefg1 abcdabcd aa123456 aaaaaaaa aaaaaaaaa a12345678
  a123456789 aaaa1111 123456aa 123456ab 12345abc 1234abcd 123abc123 1234qwer 12345qwert 12345678a 123456789a
  admin123 admin1234 admin12345 admin@123 adminadmin administrator root1234 rootroot toor1234 test1234
  testtest test12345 testing123 tester123 user1234 useruser guest123 guestguest default1 demo1234 demodemo
  welcome1 welcome12 welcome123 welcome1! welcome@123 willkommen bienvenue hello123 hello1234 hellohello
  helloworld secret123 secret1234 topsecret mysecret supersecret iloveyou iloveyou1 iloveyou2 iloveyou123
  iloveme1 loveyou1 ilovegod lovelove love1234 princess princess1 sunshine sunshine1 football football1
  baseball baseball1 basketball superman superman1 batman123 spiderman starwars starwars1 pokemon1 pokemon123
  dragon123 dragonball monkey123 master123 mustang1 michael1 jennifer jennifer1 michelle jordan23 liverpool
  liverpool1 manchester chelsea1 arsenal1 barcelona juventus internet computer computer1 samsung1 samsung123
  whatever trustno1 blink182 access14 ncc1701d corvette mercedes marlboro cheesecake chocolate butterfly
  elephant hannover victoria veronica jonathan danielle garfield snowball rainbow1 flower123 charlie1
  charlie123 freedom1 shadow123 killer123 ashley123 summer2024 summer2025 winter2024 winter2025 spring2025
  autumn2025 correcthorsebatterystaple
  `
    .trim()
    .split(/\s+/),
);

/** True for the few hundred most common passwords, in any mixture of upper and lower case. */
export function isBreached(password: string): boolean {
  return COMMON.has(password.normalize('NFKC').toLowerCase());
}
