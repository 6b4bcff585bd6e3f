// Sets a cookie like that of our sessions; step 2 sees whether this browser keeps it in a frame of another site.
// biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing where this check matters most
document.cookie =
  location.protocol === 'https:'
    ? '_third_party=yes; SameSite=None; Secure; Max-Age=60'
    : '_third_party=yes; SameSite=Lax; Max-Age=60';
location.replace('step2.html');
