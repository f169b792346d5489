import { createElement } from 'preact';
import type { ComponentType, FunctionComponent } from 'preact';
import { useMemo, useRef } from 'preact/hooks';

function isSame(a: object, b: object): boolean {
  const left = Object.entries(a);
  return left.length === Object.keys(b).length && left.every(([name, value]) => Object.is(value, b[name as keyof typeof b]));
}

/** Renders a component again only when one of its properties has changed. */
export function memo<P extends object>(component: ComponentType<P>): FunctionComponent<P> {
  return function Memo(props: P) {
    const last = useRef(props);
    if (!isSame(last.current, props)) last.current = props;
    const stable = last.current;
    return useMemo(() => createElement(component, stable), [stable]);
  };
}
