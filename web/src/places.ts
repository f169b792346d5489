// Where the tokens of a split model's answer were made, as the server says with each chunk ("verge"), and how that is
// told to people.

export const places = ['exit1', 'exit2', 'cloud', 'degraded'] as const;
export type Place = (typeof places)[number];
export type Counts = Record<Place, number>;

export interface Origin {
  place: Place;
  reason: string;
}

/** Text that tokens of one origin made. */
export interface Piece extends Origin {
  text: string;
  tokens: number;
}

export const labels: Record<Place, string> = {
  exit1: 'Device, first exit',
  exit2: 'Device, second exit',
  cloud: 'Cloud',
  degraded: 'Degraded',
};

const whys: Record<string, string> = {
  sure: 'this exit was sure',
  asked: 'no exit was sure, and the cloud answered',
  standalone: 'nobody else is asked in this mode',
  'too late': 'the cloud would have answered too late',
  'link down': 'the cloud could not be reached',
  'timed out': 'the cloud did not answer in time',
  busy: 'the cloud was busy',
  refused: 'the cloud refused',
};

export function whyOf({ place, reason }: Origin): string {
  return `${labels[place]}: ${whys[reason] ?? reason}`;
}

function isPlace(value: unknown): value is Place {
  return places.some((place) => place === value);
}

/** Of a chunk's field "verge"; nothing for what is none. */
export function originsOf(value: unknown): Origin[] {
  if (typeof value !== 'object' || value === null) return [];
  const { places: given, reasons } = value as { places?: unknown; reasons?: unknown };
  if (!Array.isArray(given)) return [];
  const said = Array.isArray(reasons) ? reasons : [];
  return given.flatMap((place: unknown, at): Origin[] => {
    const reason: unknown = said[at];
    return isPlace(place) ? [{ place, reason: typeof reason === 'string' ? reason : '' }] : [];
  });
}

/** Of the field "verge" of usage; null for what is none. */
export function countsOf(value: unknown): Counts | null {
  if (typeof value !== 'object' || value === null) return null;
  const given = value as Record<string, unknown>;
  const counts = { exit1: 0, exit2: 0, cloud: 0, degraded: 0 };
  for (const place of places) {
    const count = given[place];
    if (typeof count === 'number' && Number.isFinite(count)) counts[place] = count;
  }
  return counts;
}

/** Adds what a chunk brings. Its text is of its last token; those before it were held back. */
export function withPiece(pieces: Piece[], text: string, origins: Origin[]): Piece[] {
  const origin = origins.at(-1);
  const last = pieces.at(-1);
  if (!origin) return last ? [...pieces.slice(0, -1), { ...last, text: last.text + text }] : pieces;
  const isSame = last?.place === origin.place && last.reason === origin.reason;
  if (!isSame) return [...pieces, { ...origin, text, tokens: origins.length }];
  return [...pieces.slice(0, -1), { ...last, text: last.text + text, tokens: last.tokens + origins.length }];
}

/** Until the server says it with the usage. */
export function countPieces(pieces: Piece[]): Counts {
  const counts = { exit1: 0, exit2: 0, cloud: 0, degraded: 0 };
  for (const { place, tokens } of pieces) counts[place] += tokens;
  return counts;
}

/** "62% by the cloud, 3 tokens degraded" */
export function summaryOf(counts: Counts): string {
  const all = places.reduce((sum, place) => sum + counts[place], 0);
  const rate = all > 0 ? Math.round((100 * counts.cloud) / all) : 0;
  const degraded = counts.degraded === 1 ? '1 token' : `${counts.degraded} tokens`;
  return `${rate}% by the cloud, ${counts.degraded === 0 ? 'none' : degraded} degraded`;
}

/** How many tokens were made for each reason, of one place: "link down 2, timed out 1". */
export function reasonsOf(pieces: Piece[], place: Place): string {
  const counts = new Map<string, number>();
  for (const piece of pieces) {
    if (piece.place === place) counts.set(piece.reason, (counts.get(piece.reason) ?? 0) + piece.tokens);
  }
  return [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
}
