/** What the page of an opener says, in the person's language. */
export type EmbedState =
  | 'opening'
  | 'open'
  | 'waiting'
  | 'alone'
  | 'spent'
  | 'expired'
  | 'clock'
  | 'origin'
  | 'ended';

type Text = { readonly title: string; readonly hint: string };
export type EmbedTexts = Readonly<Record<EmbedState, Text>> & { readonly noScript: string };

const en: EmbedTexts = {
  opening: { title: 'Opening…', hint: 'This takes a moment.' },
  open: { title: 'Connected', hint: 'The page that this is part of can show you its content now.' },
  waiting: { title: 'No connection', hint: 'Trying again. You need not do anything.' },
  alone: {
    title: 'This is part of another page',
    hint: 'By itself it shows nothing. Go back to the page that sent you here, and open it there. The link is not used up.',
  },
  spent: {
    title: 'This link was used already',
    hint: 'It opens once. Load the page again that it is part of, or ask for a new link.',
  },
  expired: {
    title: 'This link is no longer valid',
    hint: 'Load the page again that it is part of, or ask for a new link.',
  },
  clock: {
    title: 'The clock of this device is wrong',
    hint: 'Set its date and time, then load the page again.',
  },
  origin: {
    title: 'This page may not use the link',
    hint: 'Tell whoever runs the page: its address is not one that the link is for.',
  },
  ended: { title: 'Your visit has ended', hint: 'Load the page again to go on.' },
  noScript: 'This page needs JavaScript to make a key for this browser.',
};

const de: EmbedTexts = {
  opening: { title: 'Wird geöffnet …', hint: 'Das dauert einen Augenblick.' },
  open: { title: 'Verbunden', hint: 'Die Seite, zu der dies gehört, kann jetzt ihren Inhalt zeigen.' },
  waiting: { title: 'Keine Verbindung', hint: 'Es wird erneut versucht. Sie müssen nichts tun.' },
  alone: {
    title: 'Dies gehört zu einer anderen Seite',
    hint: 'Für sich allein zeigt es nichts. Gehen Sie zu der Seite zurück, die Sie hierher geschickt hat, und öffnen Sie es dort. Der Link ist nicht verbraucht.',
  },
  spent: {
    title: 'Dieser Link wurde schon benutzt',
    hint: 'Er öffnet nur einmal. Laden Sie die Seite neu, zu der er gehört, oder bitten Sie um einen neuen Link.',
  },
  expired: {
    title: 'Dieser Link gilt nicht mehr',
    hint: 'Laden Sie die Seite neu, zu der er gehört, oder bitten Sie um einen neuen Link.',
  },
  clock: {
    title: 'Die Uhr dieses Geräts geht falsch',
    hint: 'Stellen Sie Datum und Uhrzeit und laden Sie dann die Seite neu.',
  },
  origin: {
    title: 'Diese Seite darf den Link nicht benutzen',
    hint: 'Sagen Sie es dem Betreiber der Seite: Der Link ist nicht für ihre Adresse.',
  },
  ended: { title: 'Ihr Besuch ist zu Ende', hint: 'Laden Sie die Seite neu, um fortzufahren.' },
  noScript: 'Diese Seite braucht JavaScript, um einen Schlüssel für diesen Browser zu erzeugen.',
};

export const embedTexts = { en, de } as const;

export type EmbedLocale = keyof typeof embedTexts;
