import { useEffect } from 'preact/hooks';

const everyMs = 1000;

/** Calls `refresh` each second while the component is shown, `isWanted` and the page is visible; at once when `version` changes. */
export function usePolling(refresh: () => Promise<void>, isWanted = true, version = 0): void {
  useEffect(() => {
    if (!isWanted) return undefined;
    let timer: ReturnType<typeof setTimeout>;
    let isOver = false;
    const tick = async () => {
      if (!document.hidden) await refresh();
      if (!isOver) timer = setTimeout(tick, everyMs);
    };
    void tick();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isWanted, version]);
}
