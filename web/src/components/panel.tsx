import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from './icon_button';

interface Props {
  name: string;
  class: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** True where panels lie over the page instead of beside it. */
export const isNarrow = () => matchMedia('(max-width: 899px)').matches;

/** A column at the side. Over the page, it takes the focus and closes with Escape or a touch beside it. */
export function Panel({ name, class: kind, onClose, children }: Props) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isNarrow()) return undefined;
    const before = document.activeElement;
    panel.current?.querySelector('button')?.focus();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isNarrow()) return;
    event.stopPropagation();
    onClose();
  };
  return (
    <>
      <div class="backdrop" onClick={onClose} />
      <aside ref={panel} class={`panel ${kind}`} aria-label={name} onKeyDown={onKeyDown}>
        <div class="panel-head">
          <h2>{name}</h2>
          <IconButton icon="close" label={`Close ${name.toLowerCase()}`} onClick={onClose} />
        </div>
        {children}
      </aside>
    </>
  );
}
