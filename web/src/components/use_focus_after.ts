import { useEffect, useRef } from 'preact/hooks';

/** When `isOpen` ends, moves the focus to the control in the element that `selector` finds. */
export function useFocusAfter(isOpen: boolean, selector: string) {
  const place = useRef<HTMLLIElement>(null);
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !isOpen) place.current?.querySelector<HTMLElement>(selector)?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return place;
}
