// An answer of a split model, with where each token was made: by colour, by the line below it, and in words.
import { countPieces, labels, places, reasonsOf, summaryOf, whyOf } from '../places';
import type { Counts, Piece } from '../places';

export function Placed({ pieces }: { pieces: Piece[] }) {
  return (
    <div class="placed">
      {pieces.map((piece, index) => (
        <span key={index} class={`place ${piece.place}`} title={whyOf(piece)}>
          {piece.text}
        </span>
      ))}
    </div>
  );
}

interface LegendProps {
  pieces: Piece[];
  counts: Counts | null;
  isShown: boolean;
  onToggle: () => void;
}

/** What the colours and lines mean, how many tokens each has, and why. */
export function Legend({ pieces, counts, isShown, onToggle }: LegendProps) {
  const known = counts ?? countPieces(pieces);
  return (
    <div class="legend">
      <p class="legend-sum">
        {summaryOf(known)}
        <button type="button" class="button quiet" onClick={onToggle}>
          {isShown ? 'Show formatted' : 'Show where'}
        </button>
      </p>
      {isShown && (
        <ul aria-label="Where tokens were made">
          {places.map((place) => {
            const reasons = reasonsOf(pieces, place);
            return (
              <li key={place}>
                <span class={`place ${place}`}>{labels[place]}</span> {known[place]}
                {reasons && ` (${reasons})`}
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
