// The page is named after the '#' of the address.
import { useEffect, useState } from 'preact/hooks';

export type Page = 'playground' | 'models' | 'live' | 'node';
const pages: Page[] = ['playground', 'models', 'live', 'node'];

function pageOf(hash: string): Page {
  return pages.find((page) => hash.replace(/^#\/?/, '') === page) ?? 'playground';
}

export function usePage(): Page {
  const [page, setPage] = useState(pageOf(location.hash));
  useEffect(() => {
    const follow = () => setPage(pageOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return page;
}
